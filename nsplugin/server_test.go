// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

// shared holds options that several plugins have.
type shared struct {
	Verbose bool `option:"verbose" short:"v" help:"say more"`
}

// full has an option of every type and a method for every call. Its fields do
// what a test says.
type full struct {
	shared
	Size   string        `option:"size" help:"how large" default:"64m"`
	Init   bool          `option:"init" help:"run an init" default:"true"`
	Count  int           `option:"count" help:"how many" env:"FULL_COUNT"`
	Wait   time.Duration `option:"wait" help:"how long" default:"1s"`
	Config string        `option:"config" help:"where to read it" type:"path"`
	Key    string        `option:"key,sensitive" help:"never shown"`
	Mode   string        `option:"mode" help:"how" enum:"fast,safe" deprecated:"--speed"`
	Files  []string      `option:"file" help:"what" type:"path"`
	Binds  [][]string    `option:"bind" help:"what where" args:"SRC,DST" type:"path"`

	calls     int
	seen      *full
	seenSet   []ns.Setting
	negotiate func() (*ns.Offer, error)
	post      func() error
}

func (f *full) Describe() Info {
	return Info{Name: "full", Version: "1", Summary: "has everything", Kinds: []ns.Kind{ns.UTS}, Features: []string{"x"}}
}

func (f *full) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	f.calls++
	*f.seen, f.seen.seenSet = *f, req.Settings
	if f.negotiate != nil {
		return f.negotiate()
	}
	return &ns.Offer{Kinds: req.Owns}, nil
}

func (f *full) PreExec(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	return &ns.HookReply{State: []byte(f.Size + req.RunID)}, nil
}

func (f *full) PostExec(_ context.Context, req *ns.HookRequest) error {
	if f.post != nil {
		return f.post()
	}
	return errors.New(string(req.State))
}

func (f *full) Check(_ context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	return []ns.Diagnostic{*Noticef("kernel %s", facts.Kernel)}, errors.New("no")
}

func (f *full) CheckRun(_ context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	return []ns.Diagnostic{*Noticef("%s of run %s", req.State, req.RunID)}, errors.New("gone")
}

func (f *full) Update(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	return &ns.HookReply{Settings: req.Add, State: []byte(f.Size)}, errors.New(string(req.State))
}

// plain has only what a plugin must have.
type plain struct{}

func (*plain) Describe() Info { return Info{Name: "plain", Version: "1", Summary: "has nothing"} }

func (*plain) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) { return nil, nil }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

func TestDescriptorFollowsFromTheType(t *testing.T) {
	d, err := newServer(&full{}).Describe(t.Context())
	same(t, "error", err, nil)
	same(t, "descriptor", d, &ns.Descriptor{
		Name: "full", Version: "1", Summary: "has everything",
		Kinds: []ns.Kind{ns.UTS}, Features: []string{"x", ns.FeatureCheckRun},
		Hooks: []ns.Point{ns.PreExec, ns.PostExec},
		Options: []ns.Option{
			{Name: "verbose", Short: "v", Type: ns.Bool, Help: "say more"},
			{Name: "size", Type: ns.String, Help: "how large", Default: "64m"},
			{Name: "init", Type: ns.Bool, Help: "run an init", Default: "true"},
			{Name: "count", Type: ns.Int, Help: "how many", Env: "FULL_COUNT"},
			{Name: "wait", Type: ns.Duration, Help: "how long", Default: "1s"},
			{Name: "config", Type: ns.Path, Help: "where to read it"},
			{Name: "key", Type: ns.String, Help: "never shown", Sensitive: true},
			{Name: "mode", Type: ns.String, Help: "how", Enum: []string{"fast", "safe"}, Deprecated: "--speed"},
			{Name: "file", Type: ns.Path, Help: "what", Repeated: true},
			{Name: "bind", Type: ns.Path, Help: "what where", Args: []string{"SRC", "DST"}, Repeated: true},
		},
	})
	if ds := ns.CheckDescriptor(d); ds != nil {
		t.Errorf("descriptor is refused: %v", ds)
	}
	d, err = newServer(&plain{}).Describe(t.Context())
	same(t, "error", err, nil)
	same(t, "descriptor", d, &ns.Descriptor{Name: "plain", Version: "1", Summary: "has nothing"})
}

// options are the option fields of a full, to compare.
type options struct {
	Verbose      bool
	Size         string
	Init         bool
	Count        int
	Wait         time.Duration
	Config, Mode string
	Files        []string
	Binds        [][]string
}

func (f *full) options() options {
	return options{f.Verbose, f.Size, f.Init, f.Count, f.Wait, f.Config, f.Mode, f.Files, f.Binds}
}

func TestEachCallGetsAFreshCopy(t *testing.T) {
	seen := &full{}
	original := &full{seen: seen, Count: 7, Files: []string{"left over"}}
	s := newServer(original)
	given := &ns.Request{
		Facts: ns.Facts{Dir: "/home/me"},
		Settings: []ns.Setting{
			{Option: "verbose", Args: []string{"true"}}, {Option: "size", Args: []string{"1k"}}, {Option: "init", Args: []string{"false"}},
			{Option: "count", Args: []string{"-2"}}, {Option: "wait", Args: []string{"2m"}}, {Option: "config", Args: []string{"c"}},
			{Option: "mode", Args: []string{"fast"}}, {Option: "file", Args: []string{"a"}}, {Option: "file", Args: []string{"/b"}},
			{Option: "bind", Args: []string{"x", "/y"}}, {Option: "bind", Args: []string{"/z", "/w"}},
		},
	}
	_, err := s.Negotiate(t.Context(), given)
	same(t, "error", err, nil)
	same(t, "filled", seen.options(), options{
		true, "1k", false, -2, 2 * time.Minute, "/home/me/c", "fast",
		[]string{"/home/me/a", "/b"}, [][]string{{"/home/me/x", "/y"}, {"/z", "/w"}},
	})
	same(t, "settings", seen.seenSet[5].Args, []string{"/home/me/c"})

	_, err = s.Negotiate(t.Context(), &ns.Request{})
	same(t, "error", err, nil)
	same(t, "defaults", seen.options(), options{Size: "64m", Init: true, Count: 7, Wait: time.Second})
	if seen.calls != 1 || original.calls != 0 {
		t.Errorf("a call saw %d calls before it, and the original %d", seen.calls-1, original.calls)
	}
}

func TestBadSettingsNeverReachThePlugin(t *testing.T) {
	s := newServer(&full{negotiate: func() (*ns.Offer, error) { panic("reached") }})
	req := &ns.Request{Settings: []ns.Setting{{Option: "count", Args: []string{"x"}}, {Option: "none", Args: []string{"x"}}}}
	_, err := s.Negotiate(t.Context(), req)
	if ds := ns.Diagnose(err); len(ds) != 2 || ds[0].Option != "count" || ds[1].Option != "none" {
		t.Errorf("got %v, want a refusal of both", ds)
	}
	_, err = s.Hook(t.Context(), &ns.HookRequest{Point: ns.PreExec, Request: *req})
	if len(ns.Diagnose(err)) != 2 {
		t.Errorf("got %v, want a refusal of both", err)
	}
}

func TestHooksReachTheirMethods(t *testing.T) {
	s := newServer(&full{})
	reply, err := s.Hook(t.Context(), &ns.HookRequest{Point: ns.PreExec, RunID: "r"})
	same(t, "error", err, nil)
	same(t, "reply", reply, &ns.HookReply{State: []byte("64mr")})
	_, err = s.Hook(t.Context(), &ns.HookRequest{Point: ns.PostExec, State: []byte("state")})
	same(t, "post-exec", ns.Diagnose(err), []ns.Diagnostic{{Summary: "state"}})
	reply, err = s.Hook(t.Context(), &ns.HookRequest{Point: ns.CheckRun, RunID: "r", State: []byte("state")})
	same(t, "check-run", reply.Diagnostics, []ns.Diagnostic{{Severity: ns.Notice, Summary: "state of run r"}})
	same(t, "check-run error", ns.Diagnose(err), []ns.Diagnostic{{Summary: "gone"}})
	size := func(value string) []ns.Setting { return []ns.Setting{{Option: "size", Args: []string{value}}} }
	reply, err = s.Hook(t.Context(), &ns.HookRequest{Point: ns.Update, State: []byte("state"), Request: ns.Request{Settings: size("1m")}, Add: size("2m")})
	same(t, "update", reply, &ns.HookReply{Settings: size("2m"), State: []byte("1m")})
	same(t, "update error", ns.Diagnose(err), []ns.Diagnostic{{Summary: "state"}})
	ds, err := s.Check(t.Context(), ns.Facts{Kernel: "6.1"})
	same(t, "check", ds, []ns.Diagnostic{{Severity: ns.Notice, Summary: "kernel 6.1"}})
	same(t, "check error", ns.Diagnose(err), []ns.Diagnostic{{Summary: "no"}})
}

func TestPostExecCanWarnAndSucceed(t *testing.T) {
	s := newServer(&full{seen: &full{}, post: func() error { return errors.Join(Warnf("gone early"), Errorf("left over")) }})
	reply, err := s.Hook(t.Context(), &ns.HookRequest{Point: ns.PostExec})
	same(t, "told", reply.Diagnostics, []ns.Diagnostic{{Severity: ns.Warning, Summary: "gone early"}})
	same(t, "error", ns.Diagnose(err), []ns.Diagnostic{{Summary: "left over"}})

	s = newServer(&full{seen: &full{}, post: func() error { return Warnf("gone early") }})
	_, err = s.Hook(t.Context(), &ns.HookRequest{Point: ns.PostExec})
	same(t, "error of a warning alone", err, nil)
}

func TestPluginThatCantUpdateSaysSo(t *testing.T) {
	_, err := newServer(&plain{}).Hook(t.Context(), &ns.HookRequest{Point: ns.Update})
	same(t, "error", ns.Diagnose(err), []ns.Diagnostic{{Summary: "update: the plugin can't change a run"}})
}

func TestPluginWithoutHooksHasNothingToDo(t *testing.T) {
	s := newServer(&plain{})
	for _, point := range []ns.Point{ns.PreExec, ns.PostExec, ns.CheckRun} {
		reply, err := s.Hook(t.Context(), &ns.HookRequest{Point: point})
		if reply != nil || err != nil {
			t.Errorf("%s: got %v, %v", point, reply, err)
		}
	}
	ds, err := s.Check(t.Context(), ns.Facts{})
	if ds != nil || err != nil {
		t.Errorf("check: got %v, %v", ds, err)
	}
}

func TestPanicIsAnErrorOfTheCall(t *testing.T) {
	s := newServer(&full{
		seen:      &full{},
		negotiate: func() (*ns.Offer, error) { panic("boom") },
		//lint:ignore SA5000 the panic is what is tested
		post: func() error { var m map[string]int; m["x"] = 1; return nil },
	})
	_, err := s.Negotiate(t.Context(), &ns.Request{})
	ds := ns.Diagnose(err)
	if len(ds) != 1 || ds[0].Summary != "negotiate: plugin panicked: boom" || ds[0].Hint == "" {
		t.Errorf("got %+v", ds)
	}
	_, err = s.Hook(t.Context(), &ns.HookRequest{Point: ns.PostExec})
	if err == nil || !strings.Contains(err.Error(), "post-exec: plugin panicked: assignment to entry in nil map") {
		t.Errorf("got %v", err)
	}
}

// byValue is a plugin that isn't a pointer.
type byValue struct{}

func (byValue) Describe() Info                                            { return Info{} }
func (byValue) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) { return nil, nil }

func TestPluginMustBeAPointerToAStruct(t *testing.T) {
	_, err := newServer(byValue{}).Describe(t.Context())
	if err == nil || err.Error() != "describe plugin: nsplugin.byValue is not a pointer to a struct" {
		t.Errorf("got %v", err)
	}
}

func TestBadTagsAreRefused(t *testing.T) {
	for want, v := range map[string]any{
		"T.x: field is not exported": struct {
			x string `option:"x"`
		}{},
		"type float64 can't hold an option": struct {
			X float64 `option:"x"`
		}{},
		`unknown word "requird"`: struct {
			X string `option:"x,requird"`
		}{},
		"type []string can't hold 2 arguments": struct {
			X []string `option:"x" args:"A,B"`
		}{},
		"type [][]string can't hold 1 arguments": struct {
			X [][]string `option:"x"`
		}{},
		"a repeated option has no default": struct {
			X []string `option:"x" default:"y"`
		}{},
		"tag type is for strings only": struct {
			X int `option:"x" type:"path"`
		}{},
	} {
		t.Run(want, func(t *testing.T) {
			_, err := fieldsOf(reflect.TypeOf(v))
			if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "T")) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// keyed needs a secret, which is never written down, and so isn't in the request
// for PostExec.
type keyed struct {
	plain
	Key string `option:"key,required,sensitive" help:"a secret"`
}

func (*keyed) PostExec(context.Context, *ns.HookRequest) error { return nil }

func TestPostExecGoesWithoutSensitiveOptions(t *testing.T) {
	s := newServer(&keyed{})
	if _, err := s.Hook(t.Context(), &ns.HookRequest{Point: ns.PostExec}); err != nil {
		t.Errorf("PostExec: %v", err)
	}
	if _, err := s.Hook(t.Context(), &ns.HookRequest{Point: ns.PreExec}); err == nil {
		t.Error("PreExec went without the option")
	}
}
