// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// network is a user's network: the bridges, and the sandboxes on them.
type network struct {
	id      string
	servers []netip.Addr
	kernel  *bridge.Kernel

	mu     sync.Mutex // held while boxes or the bridges change
	places map[string]*place
	owed   map[string]*place // of runs of which something couldn't be removed
}

// place is what a run has in the network.
type place struct {
	run      bridge.Run
	wish     *bridge.Wish
	state    []byte
	address  []netip.Prefix
	cable    *os.File // other end of its interface on the bridge
	sandbox  *os.File // other end of the sandbox's
	forwards []*forward
}

// serveNetwork is the role of the network's process. It ends with the last run.
func serveNetwork(argument string) error {
	n := &network{id: rand.Text(), places: map[string]*place{}, owed: map[string]*place{}}
	if err := json.Unmarshal([]byte(argument), &n.servers); err != nil {
		return fmt.Errorf("read argument: %w", err)
	}
	if err := confine(); err != nil {
		return err
	}
	file := os.NewFile(socketFD, "socket")
	listener, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	file.Close()
	if n.kernel, err = bridge.Open(); err != nil {
		return err
	}
	if err := upLoopback(); err != nil {
		return err
	}
	sayReady()
	time.AfterFunc(firstRun, n.endIfIdle)
	return n.serve(listener.(*net.UnixListener))
}

// firstRun is how long the network waits for its first run: whoever started it may be
// gone.
const firstRun = 30 * time.Second

func upLoopback() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("set interface lo up: %w", err)
	}
	return nil
}

func (n *network) serve(listener *net.UnixListener) error {
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		go n.converse(conn)
	}
}

// converse answers one hook. A run that it attached and didn't connect is taken off.
func (n *network) converse(conn *net.UnixConn) {
	defer n.endIfIdle()
	defer conn.Close()
	var pending *place
	defer func() {
		if pending != nil {
			n.detach(pending.run.ID)
		}
	}()
	for {
		var c call
		files, err := receive(conn, &c)
		if err != nil {
			return
		}
		var a *answer
		switch {
		case c.Call == attachCall && pending == nil:
			a, pending, err = n.attach(&c, files)
		case c.Call == connectCall && pending != nil && len(files) == 1:
			a, err = n.connect(pending, files[0])
			pending = nil
		case c.Call == detachCall:
			a, err = n.detach(c.Run.ID)
		case c.Call == checkCall:
			a, err = n.check(c.Run.ID)
		case c.Call == poolsCall && c.Wish != nil:
			a = n.pools(c.Wish)
		case c.Call == portsCall:
			a, err = n.ports(c.Run.ID)
		case c.Call == publishCall:
			a, err = n.publish(&c, files)
		default:
			closeAll(files)
			err = nsplugin.Errorf("unknown call %s", c.Call)
		}
		if err != nil {
			a = &answer{Errors: ns.Diagnose(err)}
		}
		if send(conn, a) != nil {
			return
		}
	}
}

// farewell is what the network's process says when it ends by itself, into the
// keeper's log. Who finds nobody listening and no such line has lost the network.
const farewell = "no run is left on the network"

// endIfIdle ends the process, and with it all that it made, if no run is left.
func (n *network) endIfIdle() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.places) == 0 {
		fmt.Fprintln(os.Stderr, farewell)
		os.Exit(0)
	}
}

// attach gives the run of c a place on the bridge. The first file is the child, the
// others are the sockets of its ports.
func (n *network) attach(c *call, files []*os.File) (*answer, *place, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.Wish == nil || len(files) != 1+len(c.Ports) || n.places[c.Run.ID] != nil {
		closeAll(files)
		return nil, nil, nsplugin.Errorf("attach run %s: a call that makes no sense", c.Run.ID)
	}
	p := &place{run: c.Run, wish: c.Wish}
	n.places[c.Run.ID] = p
	err := n.plug(p)
	if err == nil {
		err = p.forward(c.Ports, files[1:])
	} else {
		closeAll(files[1:])
	}
	if err != nil {
		files[0].Close()
		n.remove(p)
		return nil, nil, c.Wish.Explain(err, n.has)
	}
	go n.detachAtEnd(c.Run.ID, files[0])
	return &answer{Network: n.id, Addresses: p.address, Servers: n.servers}, p, nil
}

// plug makes the run's interface on the bridge.
func (n *network) plug(p *place) error {
	b, err := p.wish.Lease(n.kernel, p.run)
	if err != nil {
		return err
	}
	p.address = b.Addresses
	if p.state, err = b.State(p.wish); err != nil {
		return err
	}
	name := bridge.HostEnd(p.run.ID)
	if p.cable, err = openTap(name); err != nil {
		return err
	}
	if err := setLink(name, nil, p.wish.MTU); err != nil {
		return err
	}
	if err := p.wish.Plug(n.kernel, p.run, b); err != nil {
		return err
	}
	return n.kernel.AwaitUp(p.wish.Device()) // a tap's own state is never known
}

// connect connects the sandbox's interface to that on the bridge.
func (n *network) connect(p *place, sandbox *os.File) (*answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.places[p.run.ID] != p {
		sandbox.Close()
		return nil, nsplugin.Errorf("connect run %s: its child has ended", p.run.ID)
	}
	fd, err := unix.FcntlInt(sandbox.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	sandbox.Close()
	if err == nil {
		err = unix.SetNonblock(fd, true) // for Go to wait for frames as it does elsewhere
	}
	if err != nil {
		return nil, fmt.Errorf("connect run %s: %w", p.run.ID, err)
	}
	p.sandbox = os.NewFile(uintptr(fd), nsnet.Interface)
	go carry(p.sandbox, p.cable)
	go carry(p.cable, p.sandbox)
	return &answer{Network: n.id}, nil
}

// detach removes all of a run. It need not be there.
func (n *network) detach(runID string) (*answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := cmp.Or(n.places[runID], n.owed[runID])
	if p == nil {
		return &answer{Network: n.id, Left: len(n.places)}, nil
	}
	err := n.remove(p)
	return &answer{Network: n.id, Left: len(n.places)}, err
}

// check says what of a run's place is as it was made.
func (n *network) check(runID string) (*answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[runID]
	if p == nil {
		return nil, nsplugin.Errorf("check run %s: it is not on this network", runID)
	}
	found, _, err := p.wish.CheckPlace(n.kernel, runID, p.state)
	return &answer{Network: n.id, Found: found, Addresses: p.address}, err
}

// pools says how many addresses the runs have of the wish's network, and of each other
// that is there.
func (n *network) pools(w *bridge.Wish) *answer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return &answer{Network: n.id, Found: w.CheckPools(n.kernel, n.has)}
}

// has reports whether a run has a place, which ends with it; see detachAtEnd.
func (n *network) has(runID string) bool { return n.places[runID] != nil }

// remove takes a place away. If it was the last one, all goes with this process. What
// it can't remove is owed: PostExec asks once more, and nsctl gc after it.
func (n *network) remove(p *place) error {
	delete(n.places, p.run.ID)
	p.closeForwards()
	for _, cable := range []*os.File{p.cable, p.sandbox} {
		if cable != nil {
			cable.Close()
		}
	}
	if len(n.places) == 0 {
		return nil
	}
	err := p.wish.Detach(n.kernel, p.run.ID, p.state)
	if delete(n.owed, p.run.ID); err != nil {
		n.owed[p.run.ID] = p
	}
	return err
}

// detachAtEnd takes the run away when its child has ended, whether or not somebody is
// there to say so. The descriptor of a process can be read when it has ended;
// pidfd_open(2).
func (n *network) detachAtEnd(runID string, child *os.File) {
	defer child.Close()
	fds := []unix.PollFd{{Fd: int32(child.Fd()), Events: unix.POLLIN}}
	for {
		if ended, err := unix.Poll(fds, -1); ended > 0 || err != nil && err != unix.EINTR {
			break
		}
	}
	_, _ = n.detach(runID)
	n.endIfIdle()
}
