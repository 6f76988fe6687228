// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// expect fails unless one of ds says want, and for an empty want if there is any.
func expect(t *testing.T, ds []Diagnostic, want string) {
	t.Helper()
	if want == "" {
		for _, d := range ds {
			t.Errorf("refused: %s", d.Summary)
		}
		return
	}
	for _, d := range ds {
		if strings.Contains(d.Summary, want) {
			return
		}
	}
	t.Errorf("got %v, want %q", ds, want)
}

// goodDescriptor has something in every field.
func goodDescriptor() *Descriptor {
	return &Descriptor{
		Name: "good", Version: "1.2.3", Summary: "does what it says",
		Kinds: []Kind{UTS, Net},
		Options: []Option{
			{Name: "size", Short: "s", Type: Int, Help: "how large", Default: "3", Env: "GOOD_SIZE"},
			{Name: "mode", Type: String, Help: "how", Enum: []string{"fast", "safe"}, Default: "safe"},
			{Name: "bind", Type: Path, Help: "what", Args: []string{"SRC", "DST"}, Repeated: true},
			{Name: "init", Type: Bool, Help: "whether", Default: "true", Deprecated: "--size"},
		},
		Hooks:    []Point{PreExec, PostExec},
		Features: []string{"fast", "port mapping"},
	}
}

func TestCheckDescriptor(t *testing.T) {
	first := func(f func(*Option)) func(*Descriptor) {
		return func(d *Descriptor) { f(&d.Options[0]) }
	}
	for want, breakIt := range map[string]func(*Descriptor){
		"name is not a plugin name":            func(d *Descriptor) { d.Name = "../evil" },
		"version is missing":                   func(d *Descriptor) { d.Version = "" },
		"summary is missing":                   func(d *Descriptor) { d.Summary = "" },
		"summary holds a character that can't": func(d *Descriptor) { d.Summary = "a\x1b[2J" },
		"summary is longer than":               func(d *Descriptor) { d.Summary = strings.Repeat("x", MaxString+1) },
		"version is not UTF-8":                 func(d *Descriptor) { d.Version = "\xff" },
		`unknown kind "flux"`:                  func(d *Descriptor) { d.Kinds = []Kind{"flux"} },
		"kinds has net twice":                  func(d *Descriptor) { d.Kinds = []Kind{Net, Net} },
		`unknown point "mid-exec"`:             func(d *Descriptor) { d.Hooks = []Point{"mid-exec"} },
		"hooks has pre-exec twice":             func(d *Descriptor) { d.Hooks = []Point{PreExec, PreExec} },
		`features has "a" twice`:               func(d *Descriptor) { d.Features = []string{"a", "a"} },
		`requires the feature "time travel"`:   func(d *Descriptor) { d.Requires = []string{"time travel"} },
		"257 options":                          func(d *Descriptor) { d.Options = make([]Option, MaxOptions+1) },
		`the name "mode" is taken`:             first(func(o *Option) { o.Name = "mode" }),
		"not an option name":                   first(func(o *Option) { o.Name = "--size" }),
		"short is not one letter":              first(func(o *Option) { o.Short = "sz" }),
		"help is missing":                      first(func(o *Option) { o.Help = "" }),
		`unknown type "size"`:                  first(func(o *Option) { o.Type = "size" }),
		"a bool has no arguments":              first(func(o *Option) { *o = Option{Name: "a", Help: "h", Type: Bool, Args: []string{"X"}} }),
		"required, and has a default":          first(func(o *Option) { o.Required = true }),
		"repeated, and has a default":          first(func(o *Option) { o.Repeated = true }),
		`default: "x" is not a whole number`:   first(func(o *Option) { o.Default = "x" }),
		`"x" of enum is not a whole number`:    first(func(o *Option) { o.Enum = []string{"x", "3"} }),
		`default: "3" is not one of 4, 5`:      first(func(o *Option) { o.Enum = []string{"4", "5"} }),
		"env is not the name":                  first(func(o *Option) { o.Env = "A-B" }),
		"entry 1 of args is missing":           first(func(o *Option) { o.Args = []string{""} }),
	} {
		t.Run(want, func(t *testing.T) {
			d := goodDescriptor()
			breakIt(d)
			expect(t, CheckDescriptor(d), want)
		})
	}
	t.Run("good", func(t *testing.T) { expect(t, CheckDescriptor(goodDescriptor()), "") })
}

func TestShortNamesMayNotMeet(t *testing.T) {
	d := goodDescriptor()
	d.Options[1].Short = "s"
	expect(t, CheckDescriptor(d), `the name "-s" is taken`)
}

func goodRequest() *Request {
	return &Request{Plugin: "good", Owns: []Kind{User, Net}, Kinds: []Kind{User, PID, IPC, UTS, Net, Mount}, Facts: Facts{UID: 1000, GID: 100}}
}

// goodOffer has something in every field.
func goodOffer() *Offer {
	return &Offer{
		Kinds: []Kind{User, Net},
		Wants: []Kind{Time},
		IDMap: &IDMap{UIDs: []Extent{{0, 1000, 1}, {1, 100000, 65536}}, GIDs: []Extent{{0, 0, 4294967295}}},
		Steps: []Step{
			{Op: OpPropagation, Target: "/", Data: "private"},
			{Op: OpRootfs, Source: "/srv/root", Attrs: []Attr{ReadOnly}},
			{Op: OpBind, Source: "/a", Target: "/b", Attrs: []Attr{ReadOnly, NoSUID, NoDev}, IfExists: true},
			{Op: OpMount, FSType: "tmpfs", Target: "/tmp", Data: "size=1m,mode=1777", Attrs: []Attr{NoExec, StrictTime}},
			{Op: OpFile, Target: "/etc/resolv.conf", Data: "nameserver ::1\n\x00", Mode: 0o644},
			{Op: OpMkdir, Target: "/a b/ü", Mode: 0o1777},
			{Op: OpSymlink, Target: "/var/run", Data: "../run"},
			{Op: OpPivot},
			{Op: OpHostname, Data: "box"}, {Op: OpDomainname, Data: "lan"},
			{Op: OpLinkUp, Target: "lo", Phase: Inside},
			{Op: OpSysctl, Target: "net.ipv4.ip_forward", Data: "1"},
			{Op: OpInit},
		},
		Claims:      []string{"port:8080"},
		Env:         []EnvVar{{"HELLO_1", "two\nlines"}, {"_", ""}},
		Hooks:       []Point{PreExec, PostExec},
		Pin:         []Kind{Net},
		Diagnostics: []Diagnostic{{Severity: Notice, Summary: "s", Detail: "d", Hint: "h"}},
		Freshness:   &Freshness{Files: []string{"/etc/subuid"}},
	}
}

func TestCheckOffer(t *testing.T) {
	uids := func(extents ...Extent) func(*Offer) {
		return func(o *Offer) { o.IDMap.UIDs = extents }
	}
	expectEach(t, map[string]func(*Offer){
		"kinds has ipc, which the plugin doesn't own": func(o *Offer) { o.Kinds = append(o.Kinds, IPC) },
		"kinds lacks net":                             func(o *Offer) { o.Kinds, o.Pin = []Kind{User}, nil },
		"kinds lacks user":                            func(o *Offer) { o.Kinds, o.Keeps, o.IDMap, o.Pin = nil, []Kind{Net}, nil, nil },
		"net is in more than one of":                  func(o *Offer) { o.Keeps = []Kind{Net} },
		"keeps has ipc, which the plugin doesn't own": func(o *Offer) { o.Keeps = []Kind{IPC} },
		"joins has ipc, which the plugin doesn't own": func(o *Offer) { o.Joins = []Join{{IPC, "/run/x"}} },
		`joins a "user" namespace, which can't be`:    func(o *Offer) { o.Kinds, o.Joins = []Kind{Net}, []Join{{User, "/run/x"}} },
		"source of a join is not an absolute path":    func(o *Offer) { o.Kinds, o.Joins = []Kind{User}, []Join{{Net, "x"}} },
		"name of the run to join is missing":          func(o *Offer) { o.Kinds, o.Joins = []Kind{User}, []Join{{Net, "run:"}} },
		"1025 joins":                                  func(o *Offer) { o.Joins = make([]Join, MaxList+1) },
		`wants has the unknown kind "flux"`:           func(o *Offer) { o.Wants = []Kind{"flux"} },
		"an id map both direct and by helpers": func(o *Offer) {
			o.IDMap = &IDMap{UIDs: []Extent{{0, 1000, 1}}, GIDs: []Extent{{0, 1000, 1}}, Direct: true, Helpers: true}
		},
		"a direct id map with more than one id in a list": func(o *Offer) { o.IDMap.Direct = true },
		"a direct id map to uid 1001, which isn't the caller's: 1000": func(o *Offer) {
			o.IDMap = &IDMap{UIDs: []Extent{{0, 1001, 1}}, GIDs: []Extent{{0, 100, 1}}, Direct: true}
		},
		"a direct id map to gid 0, which isn't the caller's: 100": func(o *Offer) {
			o.IDMap = &IDMap{UIDs: []Extent{{0, 1000, 1}}, GIDs: []Extent{{0, 0, 1}}, Direct: true}
		},
		"pin has ipc":                                 func(o *Offer) { o.Pin = []Kind{IPC} },
		`unknown point "x"`:                           func(o *Offer) { o.Hooks = []Point{"x"} },
		"claims has \"a\" twice":                      func(o *Offer) { o.Claims = []string{"a", "a"} },
		`"A=B": not the name of a variable`:           func(o *Offer) { o.Env = []EnvVar{{"A=B", ""}} },
		`"LD_PRELOAD": a plugin can't set it`:         func(o *Offer) { o.Env = []EnvVar{{"LD_PRELOAD", "/x"}} },
		`"A": set twice`:                              func(o *Offer) { o.Env = []EnvVar{{"A", ""}, {"A", ""}} },
		"value holds a NUL byte":                      func(o *Offer) { o.Env = []EnvVar{{"A", "\x00"}} },
		`freshness file is not an absolute path: "x"`: func(o *Offer) { o.Freshness.Files = []string{"x"} },
		`unknown severity "fatal"`:                    func(o *Offer) { o.Diagnostics[0].Severity = "fatal" },
		"diagnostic 1: summary is missing":            func(o *Offer) { o.Diagnostics[0].Summary = "" },
		"an id map that nobody writes: it isn't direct, and hooks lacks pre-exec": func(o *Offer) { o.Hooks = []Point{PostExec} },
		"an id map without a user namespace":                                      func(o *Offer) { o.Kinds = []Kind{Net} },
		"uid map is empty":                                                        uids(),
		"uid map has an empty line: 0 0 0":                                        uids(Extent{}),
		"beyond the last id: 4294967295 0 1":                                      uids(Extent{4294967295, 0, 1}),
		"beyond the last id: 0 4294967290 6":                                      uids(Extent{0, 4294967290, 6}),
		"overlap: 0 0 10 and 9 20 1":                                              uids(Extent{0, 0, 10}, Extent{9, 20, 1}),
		"overlap: 0 0 10 and 20 9 1":                                              uids(Extent{0, 0, 10}, Extent{20, 9, 1}),
		"341 lines of the uid map":                                                uids(make([]Extent, 341)...),
		"4097 steps":                                                              func(o *Offer) { o.Steps = make([]Step, MaxSteps+1) },
	})
	t.Run("good", func(t *testing.T) { expect(t, CheckOffer(goodDescriptor(), goodRequest(), goodOffer()), "") })
	for name, settle := range map[string]func(*Offer){
		"kept":           func(o *Offer) { o.Keeps = []Kind{Net} },
		"joined by path": func(o *Offer) { o.Joins = []Join{{Net, "/run/netns/x"}} },
		"joined by run":  func(o *Offer) { o.Joins = []Join{{Net, "run:web"}} },
	} {
		t.Run("good: net "+name, func(t *testing.T) {
			o := goodOffer()
			o.Kinds, o.Pin = []Kind{User}, nil
			settle(o)
			expect(t, CheckOffer(goodDescriptor(), goodRequest(), o), "")
		})
	}
}

func TestCheckSteps(t *testing.T) {
	step := func(s Step) func(*Offer) {
		return func(o *Offer) { o.Steps = []Step{s} }
	}
	expectEach(t, map[string]func(*Offer){
		`step 1: unknown op "shell"`:             step(Step{Op: "shell", Data: "rm -rf /"}),
		`unknown phase "later"`:                  step(Step{Op: OpInit, Phase: "later"}),
		"source is missing":                      step(Step{Op: OpBind, Target: "/b"}),
		"target is missing":                      step(Step{Op: OpBind, Source: "/b"}),
		"fsType is missing":                      step(Step{Op: OpMount, Target: "/b"}),
		"data is missing":                        step(Step{Op: OpSymlink, Target: "/b"}),
		"source is not for this op":              step(Step{Op: OpMount, Source: "/dev/sda", Target: "/b", FSType: "ext4"}),
		"fsType is not for this op":              step(Step{Op: OpInit, FSType: "x"}),
		"attrs is not for this op":               step(Step{Op: OpInit, Attrs: []Attr{ReadOnly}}),
		"mode is not for this op":                step(Step{Op: OpInit, Mode: 1}),
		"ifExists is not for this op":            step(Step{Op: OpInit, IfExists: true}),
		`source is not an absolute path: "a"`:    step(Step{Op: OpBind, Source: "a", Target: "/b"}),
		`target is not an absolute path: "b"`:    step(Step{Op: OpBind, Source: "/a", Target: "b"}),
		`target holds ".."`:                      step(Step{Op: OpBind, Source: "/a", Target: "/b/../c"}),
		"target is the root itself":              step(Step{Op: OpMount, Target: "/.", FSType: "tmpfs"}),
		"target holds a NUL byte":                step(Step{Op: OpMkdir, Target: "/b\x00"}),
		"target is longer than 4095 bytes":       step(Step{Op: OpMkdir, Target: "/" + strings.Repeat("x", 4095)}),
		`unknown attribute "suid"`:               step(Step{Op: OpBind, Source: "/a", Target: "/b", Attrs: []Attr{"suid"}}),
		"attribute ro twice":                     step(Step{Op: OpBind, Source: "/a", Target: "/b", Attrs: []Attr{ReadOnly, ReadOnly}}),
		"exclude each other":                     step(Step{Op: OpBind, Source: "/a", Target: "/b", Attrs: []Attr{NoAtime, StrictTime}}),
		"attribute idmap is for bind":            step(Step{Op: OpRemount, Target: "/b", Attrs: []Attr{IDMapped}}),
		"neither private nor slave":              step(Step{Op: OpPropagation, Target: "/", Data: "shared"}),
		"not a file system type":                 step(Step{Op: OpMount, Target: "/b", FSType: "tmp fs"}),
		"mode is not made of permission bits":    step(Step{Op: OpMkdir, Target: "/b", Mode: 0o40755}),
		"name is longer than 64 bytes":           step(Step{Op: OpHostname, Data: strings.Repeat("x", 65)}),
		"data holds a character that can't be":   step(Step{Op: OpHostname, Data: "a\nb"}),
		`not the name of an interface: "a/b"`:    step(Step{Op: OpLinkUp, Target: "a/b"}),
		`belongs to a namespace: "kernel.panic"`: step(Step{Op: OpSysctl, Target: "kernel.panic", Data: "1"}),
		`belongs to a namespace: "net.a b"`:      step(Step{Op: OpSysctl, Target: "net.a b", Data: "1"}),
		"can't come after the switch":            step(Step{Op: OpPivot, Phase: Inside}),
		"data is longer than 65536 bytes":        step(Step{Op: OpFile, Target: "/b", Data: strings.Repeat("x", MaxString+1)}),
	})
}

// expectEach breaks a good offer in each way, and expects the fault that is the key.
func expectEach(t *testing.T, ways map[string]func(*Offer)) {
	t.Helper()
	for want, breakIt := range ways {
		t.Run(want, func(t *testing.T) {
			o := goodOffer()
			breakIt(o)
			expect(t, CheckOffer(goodDescriptor(), goodRequest(), o), want)
		})
	}
}

func TestHookMustBeInTheDescriptor(t *testing.T) {
	d := goodDescriptor()
	d.Hooks = nil
	expect(t, CheckOffer(d, goodRequest(), goodOffer()), "hooks has pre-exec, which the descriptor doesn't name")
}

func TestStepsNeedTheirNamespace(t *testing.T) {
	for kind, step := range map[Kind]Step{
		Mount: {Op: OpMkdir, Target: "/a"},
		UTS:   {Op: OpHostname, Data: "a"},
		Net:   {Op: OpLinkUp, Target: "lo"},
		PID:   {Op: OpInit},
		IPC:   {Op: OpSysctl, Target: "kernel.shmmax", Data: "1"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			o := &Offer{Steps: []Step{step}}
			expect(t, CheckOffer(&Descriptor{}, &Request{}, o), fmt.Sprintf("needs a %s namespace", kind))
			o.Wants = []Kind{kind}
			expect(t, CheckOffer(&Descriptor{}, &Request{}, o), "")
			expect(t, CheckOffer(&Descriptor{}, &Request{Kinds: []Kind{kind}}, &Offer{Steps: o.Steps}), "")
		})
	}
}

func TestIDMappedStepsNeedAUserNamespace(t *testing.T) {
	for _, step := range []Step{
		{Op: OpBind, Source: "/a", Target: "/b", Attrs: []Attr{ReadOnly, IDMapped}},
		{Op: OpRootfs, Source: "/a", Attrs: []Attr{IDMapped}},
	} {
		o := &Offer{Steps: []Step{step}}
		expect(t, CheckOffer(&Descriptor{}, &Request{Kinds: []Kind{Mount}}, o), "attribute idmap needs a user namespace")
		expect(t, CheckOffer(&Descriptor{}, &Request{Kinds: []Kind{User, Mount}}, o), "")
	}
}

func TestRefusingOfferNeedsNoContent(t *testing.T) {
	refusal := &Offer{Diagnostics: []Diagnostic{{Summary: "no"}}}
	expect(t, CheckOffer(goodDescriptor(), goodRequest(), refusal), "")
}

func TestManyFaultsAreCutShort(t *testing.T) {
	ds := CheckOffer(&Descriptor{}, &Request{}, &Offer{Steps: make([]Step, 100)})
	if len(ds) != maxFaults || ds[maxFaults-1].Detail != "and 90 more faults" {
		t.Errorf("got %d diagnostics, the last %+v", len(ds), ds[len(ds)-1])
	}
}

func TestCheckReply(t *testing.T) {
	req := func(p Point) *HookRequest {
		return &HookRequest{Point: p, Request: Request{Kinds: []Kind{UTS}}}
	}
	good := func() *HookReply {
		return &HookReply{
			Steps: []Step{{Op: OpHostname, Data: "a"}}, Env: []EnvVar{{"A", "b"}},
			Results: map[string]string{"address": "10.0.0.2"}, State: []byte{0, 0xff},
			Diagnostics: []Diagnostic{{Severity: Warning, Summary: "w"}},
			Helpers:     []Helper{{Name: "pasta", PID: 7}},
		}
	}
	expect(t, CheckReply(req(PreExec), good()), "")
	expect(t, CheckReply(req(PostExec), good()), "which only pre-exec can add")
	for want, breakIt := range map[string]func(*HookReply){
		"needs a net namespace":               func(r *HookReply) { r.Steps[0] = Step{Op: OpLinkUp, Target: "lo"} },
		`"": not the name of a variable`:      func(r *HookReply) { r.Env[0].Name = "" },
		"name of a result is missing":         func(r *HookReply) { r.Results[""] = "x" },
		`result "a" holds a character that`:   func(r *HookReply) { r.Results["a"] = "\x1b" },
		"1048577 bytes of state":              func(r *HookReply) { r.State = make([]byte, MaxState+1) },
		"diagnostic 1: summary is missing":    func(r *HookReply) { r.Diagnostics[0].Summary = "" },
		`diagnostic 1: unknown severity "x"`:  func(r *HookReply) { r.Diagnostics[0].Severity = "x" },
		"name of a helper is missing":         func(r *HookReply) { r.Helpers[0].Name = "" },
		`the helper "pasta" without a proces`: func(r *HookReply) { r.Helpers[0].PID = 0 },
	} {
		t.Run(want, func(t *testing.T) {
			r := good()
			breakIt(r)
			expect(t, CheckReply(req(PreExec), r), want)
		})
	}
}

func TestCheckReplyToUpdate(t *testing.T) {
	set := func(words ...string) (all []Setting) {
		for _, w := range words {
			option, value, _ := strings.Cut(w, "=")
			all = append(all, Setting{option, []string{value}})
		}
		return all
	}
	for _, tt := range []struct {
		point        Point
		before, asks []Setting
		after        []Setting
		fails        bool
		want         string
	}{
		{Update, set("a=1", "b=1", "a=2"), set("b=2"), set("a=1", "a=2", "b=2"), false, ""},
		{Update, set("a=1", "b=1"), set("b=1"), set("a=1"), false, ""},
		{Update, set("a=1"), nil, set("a=1"), false, ""},
		{Update, set("a=1"), set("b=1"), nil, true, ""},
		{Update, set("a=1"), set("b=1"), set("b=1"), false, "settings that differ in options that were not to be changed"},
		{Update, set("a=1", "a=2"), set("b=1"), set("a=2", "a=1"), false, "settings that differ"},
		{Update, nil, set("b=1"), slices.Repeat(set("b=1"), MaxList+1), false, "1025 settings"},
		{PreExec, nil, nil, set("a=1"), false, "settings, which only update can change"},
	} {
		reply := &HookReply{Settings: tt.after}
		if tt.fails {
			reply.Diagnostics = []Diagnostic{{Summary: "no"}}
		}
		for _, remove := range []bool{false, true} {
			req := &HookRequest{Point: tt.point, Request: Request{Settings: tt.before}, Add: tt.asks}
			if remove {
				req.Add, req.Remove = nil, tt.asks
			}
			expect(t, CheckReply(req, reply), tt.want)
		}
	}
}

func TestCheckDiagnostics(t *testing.T) {
	expect(t, CheckDiagnostics([]Diagnostic{{Summary: "a"}}), "")
	expect(t, CheckDiagnostics([]Diagnostic{{}}), "summary is missing")
}

func TestCheckWritten(t *testing.T) {
	m := &IDMap{UIDs: []Extent{{0, 1000, 1}, {1, 100000, 10}}, GIDs: []Extent{{0, 100, 1}}, DenySetgroups: true}
	const uids, gids = "         1     100000         10\n         0       1000          1\n", "         0        100          1\n"
	expect(t, CheckWritten(m, Written{uids, gids, "deny\n"}), "")
	for name, tt := range map[string]struct {
		written Written
		want    string
	}{
		"nothing":        {Written{"", gids, "deny\n"}, `pre-exec: uid_map of the child is "" now, and "0 1000 1, 1 100000 10" in the offer`},
		"somebody else":  {Written{uids, "0 0 1\n", "deny\n"}, `pre-exec: gid_map of the child is "0 0 1" now, and "0 100 1" in the offer`},
		"others as well": {Written{uids + "11 11 1\n", gids, "deny\n"}, "uid_map of the child"},
		"groups":         {Written{uids, gids, "allow\n"}, `setgroups of the child is "allow" now, and "deny" in the offer`},
	} {
		t.Run(name, func(t *testing.T) { expect(t, CheckWritten(m, tt.written), tt.want) })
	}
	m.DenySetgroups = false
	expect(t, CheckWritten(m, Written{uids, gids, "deny\n"}), "")
}
