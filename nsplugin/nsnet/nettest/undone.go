// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"time"
)

func neverAttached(h *Host, kit Kit) {
	s, b := h.NewSandbox(), kit.New(publish("8080:80"))
	before := h.Snapshot()
	s.MustPost(b)
	s.MustPost(b)
	if after := h.Snapshot(); after != before {
		h.T.Errorf("detaching nothing changed the host:\n%s", after)
	}
}

func namespaceGone(h *Host, kit Kit) {
	for _, state := range []string{"kept", "lost"} {
		s, b := h.NewSandbox(), kit.New(publish("8080:80"))
		ip := s.MustPre(b)
		s.Unpin()
		if state == "lost" {
			s.Req.State = nil
		}
		s.MustPost(b)
		s.MustPost(b)
		h.Settle()
		h.Lacks(s.ID, ip, `(veth|nsrv)\w*`, "8080")
	}
}

// Settle waits a while for interfaces to go whose other end was in a namespace that
// has ended: the kernel takes that down in the background.
func (h *Host) Settle() {
	h.T.Helper()
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(patience / 100) {
		if !strings.Contains(h.Run("ip", "-o", "link", "show", "type", "veth"), "veth") {
			return
		}
	}
}

// detachedLate detaches a run again after another one has got its address and port.
func detachedLate(h *Host, kit Kit) {
	o := publish("8080:80")
	o.Subnet = []string{"10.9.0.0/30"} // with one address for sandboxes
	first, second, b := h.NewSandbox(), h.NewSandbox(), kit.New(o)
	first.MustPre(b)
	first.MustPost(b)
	second.MustPre(b)
	second.Serve(80, "second")
	first.MustPost(b)
	h.Expect(h.Path, "127.0.0.1:8080", "second")
	h.Expect(second.Path, "10.9.0.1:8080", "second")
	second.MustPost(b)
	h.Lacks(first.ID, second.ID, "8080", `(veth|nsrv)\w*`)
}

// killed attaches sandboxes in processes that are killed, later each time, so that
// each step of attaching is the last one some time. Beside them a sandbox goes on.
func killed(h *Host, kit Kit) {
	stays, b := h.NewSandbox(), kit.New(publish("8081:80"))
	stays.MustPre(b)
	stays.Serve(80, "stays")
	o := publish("8080:80", "9000-9009:80-89/udp")
	// How long the whole takes says where to kill.
	whole := h.NewSandbox()
	start := time.Now()
	whole.killedAttach(o, time.Minute)
	span := time.Since(start)
	whole.MustPost(kit.New(o))
	clean := h.Snapshot() // some backends leave frames for rules, which all runs share
	const kills = 8
	for i := range kills {
		s := h.NewSandbox()
		s.killedAttach(o, span*time.Duration(i+1)/kills)
		s.MustPost(kit.New(o))
		if left := h.Snapshot(); left != clean {
			h.T.Fatalf("kill %d left something: had\n%s\nhave\n%s", i, clean, left)
		}
	}
	h.Expect(h.Path, "127.0.0.1:8081", "stays")
	stays.MustPost(b)
	h.Lacks(stays.ID, "8081", `(veth|nsrv)\w*`)
}

// killedAttach calls PreExec in a process of its own, which it kills after a while.
func (s *Sandbox) killedAttach(o Options, after time.Duration) {
	s.h.T.Helper()
	input, err := json.Marshal(told{o, s.Req})
	must(s.h.T, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envHelper+"=1")
	var said strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &said
	must(s.h.T, cmd.Start())
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil && cmd.ProcessState.Exited() {
		s.h.T.Fatalf("attach in a helper: %v: %s", err, said.String())
	}
}
