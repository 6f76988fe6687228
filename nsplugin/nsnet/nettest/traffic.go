// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// In runs f on a thread that is in the network namespace at path. Sockets that f
// opens belong to that namespace wherever they are used later.
func In(path string, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of no use any more
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

// Serve answers every TCP connection to port in the sandbox with the answer.
func (s *Sandbox) Serve(port int, answer string) {
	s.h.T.Helper()
	var l net.Listener
	must(s.h.T, In(s.Path, func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf(":%d", port))
		return err
	}))
	s.h.T.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, answer)
			conn.Close()
		}
	}()
}

// patience is how long an answer is waited for.
const patience = 5 * time.Second

// Ask connects from the namespace at path and returns the answer.
func Ask(path, address string) (string, error) {
	var conn net.Conn
	err := In(path, func() (err error) {
		conn, err = net.DialTimeout("tcp", address, patience)
		return err
	})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	var b bytes.Buffer
	_, err = b.ReadFrom(conn)
	return b.String(), err
}

// Expect fails the test unless address answers as it should, asked from path.
func (h *Host) Expect(path, address, want string) {
	h.T.Helper()
	got, err := Ask(path, address)
	if err != nil || got != want {
		h.T.Errorf("%s asked %s: got %q, %v; want %q", filepath.Base(filepath.Dir(path)), address, got, err, want)
	}
}

// await waits until address answers: IPv6 may first look for others that have the
// same address, which takes a second or two.
func (h *Host) await(path, address string) {
	for range 10 {
		if _, err := Ask(path, address); err == nil {
			return
		}
		time.Sleep(patience / 10)
	}
}

// ServeUDP sends every packet to port in the sandbox back.
func (s *Sandbox) ServeUDP(port int) {
	s.h.T.Helper()
	var c net.PacketConn
	must(s.h.T, In(s.Path, func() (err error) {
		c, err = net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		return err
	}))
	s.h.T.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			c.WriteTo(buf[:n], from)
		}
	}()
}

// Echo sends a packet from the namespace at path and returns what comes back.
func Echo(path, address string) (string, error) {
	var conn net.Conn
	err := In(path, func() (err error) {
		conn, err = net.Dial("udp", address)
		return err
	})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("echo")); err != nil {
		return "", err
	}
	buf := make([]byte, 1500)
	n, err := conn.Read(buf)
	return string(buf[:n]), err
}
