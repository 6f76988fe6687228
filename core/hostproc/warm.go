// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// A warm plugin host is one that waits for its next client, as the master of
// ssh(1)'s ControlPersist does. It listens on a socket of its own, KEY-PID below
// the directory warm, and only while it waits: a client has it alone, so that
// nothing that one run does to a plugin can befall another. Socket and directory
// are closed to other users, and both ends check who the other is.

// warmDir is the directory of the sockets, below that of the caller's nsrun.
func warmDir(dir string) string { return filepath.Join(dir, "warm") }

// maxWarm is how many plugin hosts may wait at once for one user.
const maxWarm = 8

// early ends the name of a socket on which nobody listens yet.
const early = "~"

// greeting is what a warm plugin host sends first: the client has it.
const greeting = "warm"

// open returns a client of a plugin host: of a warm one, if o says so and there
// is one, or else of a new one.
func open(program string, o Options) (_ *Client, err error) {
	if !o.Stays() {
		return start(program, o)
	}
	if o.Key, err = Key(program); err != nil {
		return nil, &ns.Diagnostic{Option: "keep-warm", Summary: "look for a warm plugin host: " + err.Error(), Hint: "leave out --keep-warm"}
	}
	if client := connectWarm(o.Dir, o.Key); client != nil {
		return client, nil
	}
	return start(program, o)
}

// connectWarm returns a client of a warm plugin host for this key, or nil.
func connectWarm(dir, key string) *Client {
	names, err := os.ReadDir(warmDir(dir))
	if err != nil {
		return nil
	}
	for _, name := range names {
		if !strings.HasPrefix(name.Name(), key+"-") || strings.HasSuffix(name.Name(), early) {
			continue
		}
		if conn := claim(filepath.Join(warmDir(dir), name.Name())); conn != nil {
			return NewClient(conn)
		}
	}
	return nil
}

// claim connects to the warm plugin host at path, and returns nil if somebody
// else has it by now, or nobody is there, which is cleaned up.
func claim(path string) *os.File {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	if errors.Is(err, unix.ECONNREFUSED) {
		os.Remove(path)
	}
	if err == nil {
		err = introduce(fd)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), "plugin host")
}

// setTimeout bounds how long each read of the unix socket fd blocks.
func setTimeout(fd int) error {
	timeout := unix.NsecToTimeval(time.Second.Nanoseconds())
	return os.NewSyscallError("setsockopt", unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
}

// introduce hands the plugin host our standard error and waits for its greeting.
func introduce(fd int) error {
	if err := setTimeout(fd); err != nil {
		return err
	}
	if err := checkPeer(fd); err != nil {
		return err
	}
	if err := unix.Sendmsg(fd, []byte{0}, unix.UnixRights(int(os.Stderr.Fd())), nil, unix.MSG_NOSIGNAL); err != nil {
		return err
	}
	buf := make([]byte, len(greeting))
	n, err := unix.Read(fd, buf)
	if err == nil && string(buf[:n]) != greeting {
		err = errors.New("the plugin host is somebody else's by now")
	}
	return err
}
