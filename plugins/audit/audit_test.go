// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func logTo(path string) []ns.Setting {
	return []ns.Setting{{Option: "audit-log", Args: []string{path}}}
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &audit{},
		nstest.Case{Name: "another file", Settings: logTo("/tmp/x")},
		nstest.Case{Name: "as a user", Facts: ns.Facts{UID: 1000, Dir: "/"}},
	)
}

func TestNoHomeIsRefused(t *testing.T) {
	t.Setenv("HOME", "")
	offer := nstest.Start(t, &audit{}).Negotiate(&ns.Request{Facts: ns.Facts{UID: 1000}})
	if len(offer.Diagnostics) != 1 || offer.Diagnostics[0].Hint != "--audit-log FILE" {
		t.Errorf("said %v", offer.Diagnostics)
	}
}

// lines reads the log.
func lines(t *testing.T, path string) []line {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []line
	for l := range strings.Lines(string(text)) {
		var one line
		if err := json.Unmarshal([]byte(l), &one); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		all = append(all, one)
	}
	return all
}

func request(t *testing.T, path string) *ns.HookRequest {
	return &ns.HookRequest{
		Point: ns.PreExec, RunID: "r1", RunName: "mine", PID: 7, StateDir: t.TempDir(), Plan: []byte("{}\n"),
		Request: ns.Request{Settings: logTo(path), Kinds: []ns.Kind{ns.PID}, Facts: ns.Facts{UID: 3, UserName: "me", Dir: "/d"}},
	}
}

func TestRunIsWrittenDownOnceAtEachEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "audit.jsonl")
	p, req := nstest.Start(t, &audit{}), request(t, path)
	if reply := p.Hook(req); reply.Diagnostics != nil {
		t.Fatal(reply.Diagnostics)
	}
	req.Point, req.PID = ns.PostExec, 0
	for range 3 {
		if reply := p.Hook(req); reply.Diagnostics != nil {
			t.Fatal(reply.Diagnostics)
		}
	}
	all := lines(t, path)
	if len(all) != 2 || all[0].Event != "start" || all[1].Event != "end" {
		t.Fatalf("wrote %+v", all)
	}
	// printf '{}\n' | sha256sum
	const plan = "sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
	for _, l := range all {
		if l.Run != "r1" || l.Name != "mine" || l.UID != 3 || l.User != "me" || l.Dir != "/d" || l.Plan != plan || l.Time.IsZero() {
			t.Errorf("wrote %+v", l)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

func TestRunThatNeverStartedIsNotWrittenDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	req := request(t, path)
	req.Point = ns.PostExec
	if reply := nstest.Start(t, &audit{}).Hook(req); reply.Diagnostics != nil {
		t.Error(reply.Diagnostics)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("something was written")
	}
}

func TestRunThatCanNotBeWrittenDownIsRefused(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/proc/nowhere/log", link} {
		reply := nstest.Start(t, &audit{}).Hook(request(t, path))
		if len(reply.Diagnostics) != 1 || reply.Diagnostics[0].Option != "audit-log" || reply.Diagnostics[0].Hint == "" {
			t.Errorf("%s: said %v", path, reply.Diagnostics)
		}
	}
}
