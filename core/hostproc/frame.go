// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// The methods of a call.
const (
	describe  = "describe"
	negotiate = "negotiate"
	hook      = "hook"
	check     = "check"
	digest    = "digest"
	review    = "review"
	configure = "configure"
	cancel    = "cancel" // of the call with the same id
)

// call is a message to the plugin host.
type call struct {
	ID     uint64          `json:"id"`
	Method string          `json:"method"`
	Plugin find.Plugin     `json:"plugin"`
	Arg    json.RawMessage `json:"arg,omitempty"`
}

// answer is a message from the plugin host. It has a result or errors.
type answer struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result,omitempty"`
	Errors []ns.Diagnostic `json:"errors,omitempty"`
}

// maxFrame is more than the largest message of a plugin, 4 MiB, of which a byte
// can take six in JSON.
const maxFrame = 32 << 20

// framer writes and reads messages. Several goroutines may write.
type framer struct {
	conn  io.ReadWriteCloser
	write sync.Mutex
}

// sendTimeout is how long the other side may leave a message unread. Both read
// all the time.
const sendTimeout = 30 * time.Second

// deadliner is a connection that can give up a write.
type deadliner interface{ SetWriteDeadline(time.Time) error }

func (f *framer) send(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	frame := binary.NativeEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text)))
	f.write.Lock()
	defer f.write.Unlock()
	if d, ok := f.conn.(deadliner); ok {
		_ = d.SetWriteDeadline(time.Now().Add(sendTimeout)) // without one, it blocks
	}
	_, err = f.conn.Write(append(frame, text...))
	return err
}

func (f *framer) receive(message any) error {
	var head [4]byte
	if _, err := io.ReadFull(f.conn, head[:]); err != nil {
		return err
	}
	n := binary.NativeEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("a message of %d bytes, %d at most", n, maxFrame)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(f.conn, text); err != nil {
		return err
	}
	return json.Unmarshal(text, message)
}
