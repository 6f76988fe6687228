// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/helper"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// attach has the run attached to its user's network, which is made if there is none.
// The connection is to be used to connect the sandbox: if it ends before that, the run
// is taken off again.
func attach(ctx context.Context, req *ns.HookRequest, w *bridge.Wish) (*net.UnixConn, *answer, error) {
	files, err := openPorts(w.Ports)
	if err != nil {
		return nil, nil, err
	}
	defer func() { closeAll(files) }()
	child, err := unix.PidfdOpen(req.PID, 0)
	if err != nil {
		return nil, nil, nsplugin.Errorf("open process %d: %w", req.PID, err)
	}
	files = slices.Insert(files, 0, os.NewFile(uintptr(child), "child"))
	inside := *w
	inside.Ports = nil // no rules: the sockets are on the host
	c := call{Call: attachCall, Run: bridge.Run{ID: req.RunID, Name: req.RunName}, Wish: &inside, Ports: w.Ports}
	h := homeOf(req)
	unlock, err := h.lock()
	if err != nil {
		return nil, nil, nsplugin.Errorf("make the network: %w", err)
	}
	defer unlock()
	for again := true; ; again = false {
		conn, err := h.connectOrStart(ctx)
		if err != nil {
			return nil, nil, err
		}
		a, err := converse(ctx, conn, c, files...)
		if err == nil {
			return conn, a, nil
		}
		conn.Close()
		// It can have ended just now, with its last run.
		if !isLost(err) || !again {
			return nil, nil, lost(err)
		}
	}
}

// connectOrStart connects to the network's process, which is started if it isn't there.
// The caller has the lock.
func (h home) connectOrStart(ctx context.Context) (*net.UnixConn, error) {
	if conn, err := h.connect(); err == nil {
		return conn, nil
	}
	if err := h.start(ctx); err != nil {
		return nil, err
	}
	conn, err := h.connect()
	if err != nil {
		return nil, nsplugin.Errorf("connect to the network: %w", err)
	}
	return conn, nil
}

func (h home) connect() (*net.UnixConn, error) {
	return net.DialUnix("unixpacket", nil, h.address())
}

func (h home) address() *net.UnixAddr { return &net.UnixAddr{Name: h.socket(), Net: "unixpacket"} }

// start starts the keeper, after what is left of an earlier one.
func (h home) start(ctx context.Context) error {
	if err := h.sweep(ctx); err != nil {
		return err
	}
	listener, err := net.ListenUnix("unixpacket", h.address())
	if err != nil {
		return nsplugin.Errorf("make the network: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		return nsplugin.Errorf("make the network: %w", err)
	}
	defer socket.Close()
	_, err = helper.Start(ctx, h.shared(), helper.Command{
		Name: keeperRole, Path: "/proc/self/exe", Args: []string{keeperRole, string(h)},
		Files: []*os.File{socket}, Ready: 1,
	})
	return err
}

// shared is what a hook's request would be if the network were a run.
func (h home) shared() *ns.HookRequest {
	return &ns.HookRequest{RunID: h.id(), RunName: h.id(), StateDir: string(h)}
}

// endPatience is how long the keeper may take to end after the network.
const endPatience = 5 * time.Second

// sweep ends all processes of an earlier network, and removes its files but the lock.
func (h home) sweep(ctx context.Context) error {
	var errs []error
	if !h.awaitEnd(endPatience) {
		errs = append(errs, helper.Finish(ctx, h.shared(), keeperRole, ""))
	}
	for _, name := range []string{networkRole, pasta.Name, slirp.Name} {
		errs = append(errs, helper.Finish(ctx, h.shared(), name, ""))
	}
	for _, name := range []string{"socket", "alive", keeperRole + ".log"} {
		if err := os.Remove(h.file(name)); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// converse sends a call and returns the answer.
func converse(ctx context.Context, conn *net.UnixConn, c call, files ...*os.File) (*answer, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := send(conn, c, files...); err != nil {
		return nil, err
	}
	var a answer
	if _, err := receive(conn, &a); err != nil {
		return nil, err
	}
	return &a, a.err()
}

// isLost reports whether err says that the network's process is gone.
func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

// lost puts into the user's words that the network's process is gone.
func lost(err error) error {
	if !isLost(err) {
		return err
	}
	return nsplugin.Errorf("attach to the network: its process ended").WithHint("the same again: the next run starts it anew")
}

// detach has the run taken off the network. If it was the last one, it waits for the
// network's end and removes its files.
func detach(ctx context.Context, req *ns.HookRequest) error {
	h := homeOf(req)
	if _, err := os.Stat(string(h)); os.IsNotExist(err) {
		return nil
	}
	unlock, err := h.lock()
	if err != nil {
		return nsplugin.Errorf("detach run %s: %w", req.RunID, err).WithHint("nsctl gc tries again")
	}
	defer unlock()
	missing, err := h.ask(ctx, req)
	if err != nil {
		return nsplugin.Errorf("detach run %s: %w", req.RunID, err).WithHint("nsctl gc tries again")
	}
	return missing
}

// ask asks the network to detach the run. It returns a warning as missing if the
// network to which the run was attached was lost.
func (h home) ask(ctx context.Context, req *ns.HookRequest) (missing, err error) {
	conn, err := h.connect()
	var a *answer
	if err == nil {
		a, err = converse(ctx, conn, call{Call: detachCall, Run: bridge.Run{ID: req.RunID}})
		conn.Close()
	}
	if err == nil {
		if len(req.State) > 0 && a.Network != string(req.State) {
			missing = h.lostEarlier()
		}
		if a.Left > 0 {
			return missing, nil
		}
		return missing, h.remove(ctx)
	}
	ended := errors.Is(err, unix.ECONNREFUSED) || isLost(err)
	if ended && len(req.State) > 0 && !h.endedByItself() {
		missing = h.lostEarlier()
	}
	if ended || errors.Is(err, unix.ENOENT) {
		return missing, h.remove(ctx)
	}
	return nil, err
}

// endedByItself reports whether the network, to which nobody listens any more, had no
// run left. It says so before it stops listening, so that nobody has to wait for the
// end of the keeper, which the kernel can delay for longer than a user has patience.
func (h home) endedByItself() bool {
	return helper.Said(h.shared(), keeperRole, farewell)
}

// lostEarlier warns that the network ended before the run.
func (h home) lostEarlier() error {
	return nsplugin.Warnf("lost the network before the command ended, which was cut off from then on").
		WithDetail(strings.TrimSuffix("the process "+h.title(keeperRole)+" or one of those that it started was killed; "+helper.LastWords(h.shared(), keeperRole), "; "))
}

// remove removes what is left of a network that has ended. The caller has the lock.
func (h home) remove(ctx context.Context) error {
	if err := h.sweep(ctx); err != nil {
		return err
	}
	for _, path := range []string{h.file("lock"), string(h)} {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove the network's directory: %w", err)
		}
	}
	return nil
}
