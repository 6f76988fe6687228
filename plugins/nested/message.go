// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// What a hook and the network's process say to each other: JSON in packets of a Unix
// socket, with descriptors beside; unix(7).
//
//	hook     attach RUN WISH     + pidfd of the child, a socket for each port
//	network  addresses, id
//	hook     connect             + the sandbox's interface
//	network  done
//
//	hook     detach RUN
//	network  how many are left
//
//	hook     check RUN
//	network  addresses, id, what was found
//
//	hook     pools WISH
//	network  what was found
//
//	hook     ports RUN
//	network  ports that are published, id
//	hook     publish RUN PORTS   + a socket for each that isn't yet
//	network  done
const (
	attachCall  = "attach"
	connectCall = "connect"
	detachCall  = "detach"
	checkCall   = "check"
	poolsCall   = "pools"
	portsCall   = "ports"
	publishCall = "publish"
)

// call is what a hook says.
type call struct {
	Call string       `json:"call"`
	Run  bridge.Run   `json:"run"`
	Wish *bridge.Wish `json:"wish,omitempty"`
	// Ports are those whose sockets are beside the call.
	Ports []nsnet.Mapping `json:"ports,omitempty"`
	// Keep are those whose sockets the network's process has, and which may lead to
	// other ports of the sandbox from now on.
	Keep []nsnet.Mapping `json:"keep,omitempty"`
}

// answer is what the network's process answers.
type answer struct {
	// Network is the id of the process's network: another one at each start.
	Network string `json:"network,omitempty"`
	// Addresses are the sandbox's.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	// Servers are name servers that the uplink has.
	Servers []netip.Addr `json:"servers,omitempty"`
	// Ports are those that the run has published.
	Ports []nsnet.Mapping `json:"ports,omitempty"`
	// Left is how many runs are attached now.
	Left int `json:"left,omitempty"`
	// MAC is the sandbox's hardware address, in a box's answer.
	MAC net.HardwareAddr `json:"mac,omitempty"`
	// Found is what a check of the run's place, or of the pools, has found.
	Found nsnet.Findings `json:"found,omitempty"`
	// Errors say why it didn't do it.
	Errors []ns.Diagnostic `json:"errors,omitempty"`
}

// err returns the errors of the answer, joined.
func (a *answer) err() error {
	var errs []error
	for i := range a.Errors {
		errs = append(errs, &a.Errors[i])
	}
	return errors.Join(errs...)
}

// maxMessage is the longest message in bytes, and maxFiles the most descriptors beside
// one: SCM_MAX_FD of unix(7).
const (
	maxMessage = 128 << 10
	maxFiles   = 253
)

// send sends a message with descriptors beside it.
func send(conn *net.UnixConn, message any, files ...*os.File) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	_, _, err = conn.WriteMsgUnix(data, unix.UnixRights(fds...), nil)
	return err
}

// receive receives a message and what came beside it. It returns io.EOF if the other
// side is gone.
func receive(conn *net.UnixConn, message any) ([]*os.File, error) {
	data, beside := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxFiles))
	n, m, _, _, err := conn.ReadMsgUnix(data, beside)
	if err != nil {
		return nil, err
	}
	files, err := filesOf(beside[:m])
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err == nil {
		err = json.Unmarshal(data[:n], message)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

// filesOf returns the descriptors in a control message.
func filesOf(beside []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(beside)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // of another kind
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
