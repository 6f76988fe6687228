// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// Sandbox is a network namespace that plays a run's.
type Sandbox struct {
	// ID is the run's, Path the namespace as a file.
	ID, Path string
	// Req is the request of the next hook.
	Req *ns.HookRequest

	h *Host
}

// NewSandbox makes a sandbox with a pinned namespace.
func (h *Host) NewSandbox() *Sandbox {
	h.T.Helper()
	h.boxes++
	s := &Sandbox{h: h, ID: fmt.Sprintf("run%d-%08x", h.boxes, crc32.ChecksumIEEE([]byte(h.T.Name())))}
	dir := h.T.TempDir()
	s.Path = filepath.Join(dir, "netns")
	must(h.T, os.WriteFile(s.Path, nil, 0o600))
	must(h.T, pinNamespace(s.Path))
	h.T.Cleanup(s.Unpin)
	s.Req = &ns.HookRequest{
		Point: ns.PreExec, Plugin: "net", RunID: s.ID, RunName: s.ID, StateDir: dir,
		Paths:   map[ns.Kind]string{ns.Net: s.Path},
		Request: ns.Request{Plugin: "net", Owns: []ns.Kind{ns.Net}, Kinds: []ns.Kind{ns.Net}, Facts: ns.Facts{Dir: "/"}},
	}
	return s
}

// pinNamespace makes a network namespace and mounts it on file.
func pinNamespace(file string) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of no use any more
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), file, "", unix.MS_BIND, "")
		}
		done <- err
	}()
	return <-done
}

// Unpin lets the namespace go.
func (s *Sandbox) Unpin() { unix.Unmount(s.Path, unix.MNT_DETACH) }

// Pre calls PreExec and keeps its state for post.
func (s *Sandbox) Pre(b Backend) (*ns.HookReply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	reply, err := b.PreExec(ctx, s.Req)
	if err == nil {
		s.Req.State = reply.State
	}
	return reply, err
}

// MustPre calls PreExec, which has to succeed, and returns the address.
func (s *Sandbox) MustPre(b Backend) string {
	s.h.T.Helper()
	reply, err := s.Pre(b)
	if err != nil {
		s.h.T.Fatalf("pre-exec: %v", ns.Diagnose(err))
	}
	return reply.Results["address"]
}

// Post calls PostExec.
func (s *Sandbox) Post(b Backend) error {
	s.Req.Point = ns.PostExec
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return b.PostExec(ctx, s.Req)
}

// MustPost calls PostExec, which has to succeed.
func (s *Sandbox) MustPost(b Backend) {
	s.h.T.Helper()
	if err := s.Post(b); err != nil {
		s.h.T.Fatalf("post-exec: %v", ns.Diagnose(err))
	}
}

// Run runs a command in the sandbox's network and returns what it printed.
func (s *Sandbox) Run(name string, args ...string) string {
	s.h.T.Helper()
	return s.h.Run("nsenter", append([]string{"--net=" + s.Path, name}, args...)...)
}
