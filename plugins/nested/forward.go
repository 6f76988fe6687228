// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// openPorts opens a socket on the host for each of ports: a socket stays in the network
// namespace in which it was made, so that the network's process can serve it later.
func openPorts(ports []nsnet.Mapping) ([]*os.File, error) {
	if err := checkCount(ports); err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range ports {
		f, err := openPort(m)
		if err != nil {
			closeAll(files)
			return nil, nsplugin.Errorf("publish %s: %w", m, err).WithOption("publish").WithHint("another host port, and from 1024 on as an ordinary user")
		}
		files = append(files, f)
	}
	return files, nil
}

// checkCount returns an error if one message can't have the sockets of all ports.
func checkCount(ports []nsnet.Mapping) error {
	if len(ports) > maxFiles-1 {
		return nsplugin.Errorf("publish %d ports: %d can be published at most", len(ports), maxFiles-1).WithOption("publish")
	}
	return nil
}

// openPort opens the socket of one port.
func openPort(m nsnet.Mapping) (*os.File, error) {
	address := ":" + strconv.Itoa(m.HostPort)
	if m.HostIP.IsValid() {
		address = netip.AddrPortFrom(m.HostIP, uint16(m.HostPort)).String()
	}
	var socket interface {
		io.Closer
		File() (*os.File, error)
	}
	if m.Protocol == "udp" {
		conn, err := net.ListenPacket("udp", address)
		if err != nil {
			return nil, err
		}
		socket = conn.(*net.UDPConn)
	} else {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		socket = listener.(*net.TCPListener)
	}
	defer socket.Close()
	return socket.File()
}

// forward is a published port that this process serves.
type forward struct {
	port   nsnet.Mapping // changed with the network's lock only
	socket io.Closer
	target atomic.Pointer[string] // address and port in the sandbox
}

// lead sends to another port of the sandbox from now on.
func (f *forward) lead(p *place, m nsnet.Mapping) {
	target := net.JoinHostPort(p.addressFor(m).String(), strconv.Itoa(m.Port))
	f.port = m
	f.target.Store(&target)
}

func (f *forward) close() { f.socket.Close() }

// forward serves ports by their sockets.
func (p *place) forward(ports []nsnet.Mapping, sockets []*os.File) error {
	defer closeAll(sockets)
	for i, m := range ports {
		f := &forward{}
		f.lead(p, m)
		if err := f.serve(m.Protocol, sockets[i]); err != nil {
			return fmt.Errorf("publish %s: %w", m, err)
		}
		p.forwards = append(p.forwards, f)
	}
	return nil
}

// addressFor returns the sandbox's address for a port: of the family of the host's
// address if it has one, and else its first.
func (p *place) addressFor(m nsnet.Mapping) netip.Addr {
	for _, a := range p.address {
		if m.HostIP.IsValid() && m.HostIP.Is4() == a.Addr().Is4() {
			return a.Addr()
		}
	}
	return p.address[0].Addr()
}

func (f *forward) serve(protocol string, socket *os.File) error {
	if protocol == "udp" {
		conn, err := net.FilePacketConn(socket)
		if err != nil {
			return err
		}
		f.socket = conn
		go f.serveUDP(conn.(*net.UDPConn))
		return nil
	}
	listener, err := net.FileListener(socket)
	if err != nil {
		return err
	}
	f.socket = listener
	go f.serveTCP(listener)
	return nil
}

// serveTCP connects each caller with the sandbox, until the listener is closed.
func (f *forward) serveTCP(listener net.Listener) {
	const pause = 50 * time.Millisecond
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			go f.join(conn.(*net.TCPConn))
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(pause) // no descriptors left, say
		}
	}
}

// join passes on what both sides send, until both have said all.
func (f *forward) join(caller *net.TCPConn) {
	defer caller.Close()
	conn, err := net.DialTimeout("tcp", *f.target.Load(), 10*time.Second)
	if err != nil {
		_ = caller.SetLinger(0) // refuse it as the sandbox did
		return
	}
	defer conn.Close()
	sandbox := conn.(*net.TCPConn)
	var both sync.WaitGroup
	pass := func(to, from *net.TCPConn) {
		_, _ = io.Copy(to, from)
		_ = to.CloseWrite()
	}
	both.Go(func() { pass(sandbox, caller) })
	both.Go(func() { pass(caller, sandbox) })
	both.Wait()
}

// silence is how long a sender of UDP is remembered that neither says nor hears
// anything.
const silence = 2 * time.Minute

// serveUDP passes packets on to the sandbox, by a socket of its own for each sender, so
// that answers find back.
func (f *forward) serveUDP(host *net.UDPConn) {
	var mu sync.Mutex
	senders := map[netip.AddrPort]net.Conn{}
	defer func() {
		mu.Lock() // those that answer end at the same time, and take themselves out
		defer mu.Unlock()
		for _, conn := range senders {
			conn.Close()
		}
	}()
	packet := make([]byte, 64<<10)
	for {
		size, from, err := host.ReadFromUDPAddrPort(packet)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		mu.Lock()
		conn, target := senders[from], *f.target.Load()
		if conn != nil && conn.RemoteAddr().String() != target {
			conn.Close() // the port leads elsewhere now
			conn = nil
		}
		if conn == nil {
			if conn, err = net.Dial("udp", target); err != nil {
				mu.Unlock()
				continue
			}
			senders[from] = conn
			go func() {
				answerUDP(host, conn, from)
				mu.Lock()
				if senders[from] == conn {
					delete(senders, from)
				}
				mu.Unlock()
			}()
		}
		mu.Unlock()
		_ = conn.SetReadDeadline(time.Now().Add(silence))
		_, _ = conn.Write(packet[:size])
	}
}

// answerUDP passes on what the sandbox answers one sender.
func answerUDP(host *net.UDPConn, sandbox net.Conn, to netip.AddrPort) {
	defer sandbox.Close()
	packet := make([]byte, 64<<10)
	for {
		size, err := sandbox.Read(packet)
		if err != nil && errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // refused: nobody listens yet
		}
		_ = sandbox.SetReadDeadline(time.Now().Add(silence))
		_, _ = host.WriteToUDPAddrPort(packet[:size], to)
	}
}
