// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

const labBridge = `{"type": "bridge", "bridge": "lab0", "isGateway": true, "capabilities": {"mac": true}, "ipam": {"type": "host-local", "subnet": "10.9.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}}`

// check calls CheckRun, which has to answer.
func (s *sandbox) check(n *network) []ns.Diagnostic {
	s.h.T.Helper()
	s.Req.Point = ns.CheckRun
	found, err := n.CheckRun(context.Background(), s.Req)
	must(s.h.T, err)
	if len(found) == 0 {
		s.h.T.Error("check says nothing")
	}
	return found
}

// lines are diagnostics as "SEVERITY: SUMMARY".
func lines(ds []ns.Diagnostic) string {
	var all []string
	for _, d := range ds {
		all = append(all, fmt.Sprintf("%s: %s", d.Severity, d.Summary))
	}
	return strings.Join(all, "\n")
}

// TestCheckRun changes what plugins made, and asks them after each change.
func TestCheckRun(t *testing.T) {
	h := newHost(t)
	said := filepath.Join(t.TempDir(), "said")
	bin := h.plugin("note", `cat >`+said+`; [ $CNI_COMMAND = CHECK ] && [ -e `+said+`.no ] && {
echo '{"cniVersion":"1.1.0","code":123,"msg":"the note is gone","details":"who took it"}'; echo grumble >&2; exit 1; }
[ $CNI_COMMAND = ADD ] && sed 's/.*"prevResult":\({.*}\),"type".*/\1/' `+said+`; exit 0`)
	n := &network{Network: h.conf("lab", "1.1.0", labBridge, `{"type": "note"}`), BinDir: []string{bin}}
	s := h.newSandbox()
	ip := s.mustPre(n)
	const where = "network lab, interface eth0: "
	want(t, s, n, "notice: "+where+"CHECK of CNI plugin bridge", "notice: "+where+"CHECK of CNI plugin note")
	if text, err := os.ReadFile(said); err != nil || !strings.Contains(string(text), `"address":"`+ip+`/24"`) {
		t.Errorf("the plugin was not given the stored result: %s, %v", text, err)
	}

	must(t, os.WriteFile(said+".no", nil, 0o600))
	found := want(t, s, n, "notice: "+where+"CHECK of CNI plugin bridge", ": "+where+"CHECK of CNI plugin note: the note is gone")
	if detail := "CHECK of CNI plugin note: code 123: the note is gone; who took it; grumble"; found[1].Detail != detail {
		t.Errorf("detail %q; want %q", found[1].Detail, detail)
	}

	s.Run("ip", "addr", "flush", "dev", "eth0")
	want(t, s, n, ": "+where+"CHECK of CNI plugin bridge: ", ": "+where+"CHECK of CNI plugin note: the note is gone")
	s.MustPost(n)
	s.Req.Point, s.Req.State = ns.CheckRun, nil
	if _, err := n.CheckRun(t.Context(), s.Req); err == nil || !strings.Contains(err.Error(), "its attachment is gone") {
		t.Errorf("after the run: %v", err)
	}
}

// want compares what a check says with the beginnings of its lines.
func want(t *testing.T, s *sandbox, n *network, begins ...string) []ns.Diagnostic {
	t.Helper()
	found := s.check(n)
	ok := len(found) == len(begins)
	for i := range found {
		ok = ok && strings.HasPrefix(lines(found[i:i+1]), begins[i])
	}
	if !ok {
		t.Fatalf("check says\n%s\nwant\n%s", lines(found), strings.Join(begins, "\n"))
	}
	return found
}

// TestCheckRunWhereThereIsNone says plainly that a network can't be checked.
func TestCheckRunWhereThereIsNone(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"cniVersion": "0.3.1", "name": "lab", "plugins": [` + labBridge + `]}`, "warning: network lab: CNI 0.3.1, which it is configured for, has no CHECK"},
		{`{"cniVersion": "1.0.0", "name": "lab", "disableCheck": true, "plugins": [` + labBridge + `]}`, "warning: network lab: its configuration says disableCheck"},
	} {
		h := newHost(t)
		n := &network{Network: write(t, t.TempDir(), "lab.conflist", tt.text)}
		s := h.newSandbox()
		s.mustPre(n)
		want(t, s, n, tt.want)
		s.MustPost(n)
	}
}
