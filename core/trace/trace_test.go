// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/hostproc"
	"github.com/nsrun/nsrun/ns"
)

// fake answers as its plugin would.
type fake struct {
	hostproc.Host // what isn't traced
	err           error
}

func (f *fake) Describe(context.Context, find.Plugin) (*ns.Descriptor, error) {
	return &ns.Descriptor{Name: "p", Options: []ns.Option{{Name: "key", Sensitive: true}, {Name: "size"}}}, nil
}

func (f *fake) Negotiate(context.Context, find.Plugin, *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{Claims: []string{"a thing"}}, f.err
}

func (f *fake) Hook(context.Context, find.Plugin, *ns.HookRequest) (*ns.HookReply, error) {
	return &ns.HookReply{State: []byte("s")}, f.err
}

func (f *fake) Digest(context.Context, find.Plugin) (string, error) { return "0", f.err }

func (f *fake) Check(context.Context, find.Plugin, ns.Facts) ([]ns.Diagnostic, error) {
	return []ns.Diagnostic{{Severity: ns.Notice, Summary: "fine"}}, f.err
}

// traced makes every call of a plugin and returns what was stored.
func traced(t *testing.T, host *fake) []Stored {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "traces")
	h, err := Wrap(host, dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, p := t.Context(), find.Plugin{Name: "p"}
	req := &ns.Request{Plugin: "p", Settings: []ns.Setting{{Option: "key", Args: []string{"secret"}}, {Option: "size", Args: []string{"7"}}}}
	_, err1 := h.Describe(ctx, p)
	_, err2 := h.Negotiate(ctx, p, req)
	_, err3 := h.Hook(ctx, p, &ns.HookRequest{Point: ns.PreExec, Request: *req})
	_, err4 := h.Check(ctx, p, ns.Facts{UID: 3})
	for _, err := range []error{err2, err3, err4} {
		if !errors.Is(err, host.err) || err1 != nil {
			t.Error(err1, err)
		}
	}
	if req.Settings[0].Args[0] != "secret" {
		t.Error("the plugin didn't get the value")
	}
	records, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestEveryCallIsStored(t *testing.T) {
	records := traced(t, &fake{})
	want := []struct{ call, request, answer string }{
		{"describe", "", `"name": "p"`}, {"negotiate", `"7"`, "a thing"}, {"pre-exec", `"7"`, `"state": "cw=="`}, {"check", `"uid": 3`, "fine"},
	}
	if len(records) != len(want) {
		t.Fatalf("%d records", len(records))
	}
	for i, w := range want {
		r := records[i]
		if r.Plugin != "p" || r.Call != w.call || !strings.Contains(string(r.Request), w.request) || !strings.Contains(string(r.Answer), w.answer) || r.Start.IsZero() {
			t.Errorf("record %d is %+v: %s -> %s", i, r, r.Request, r.Answer)
		}
		if strings.Contains(string(r.Request), "secret") {
			t.Errorf("%s has the value of a sensitive option", r.File)
		}
	}
}

func TestFailuresAreStored(t *testing.T) {
	for _, r := range traced(t, &fake{err: &ns.Diagnostic{Summary: "no luck"}})[1:] {
		if len(r.Errors) != 1 || r.Errors[0].Summary != "no luck" || r.Answer != nil {
			t.Errorf("%s: %+v", r.File, r)
		}
	}
}

func TestTracesOfOthersAreNotWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Wrap(&fake{}, dir); err == nil || !strings.Contains(err.Error(), "only you can write") {
		t.Errorf("got %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Wrap(&fake{}, link); err == nil {
		t.Error("a link was followed")
	}
}

func TestBrokenTraceIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if _, err := Read(filepath.Join(dir, "missing")); err == nil {
		t.Error("no error without a directory")
	}
}
