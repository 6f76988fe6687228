// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
)

func mountPart() Part {
	return Part{Plugin: "mount", Owns: []ns.Kind{ns.Mount}, Offer: &ns.Offer{
		Kinds: []ns.Kind{ns.Mount},
		Steps: []ns.Step{
			{Op: ns.OpPropagation, Target: "/", Data: "private"},
			{Op: ns.OpRootfs, Source: "/srv/root"},
			{Op: ns.OpBind, Source: "/etc", Target: "/etc"},
			{Op: ns.OpPivot},
		},
	}}
}

func netPart(name string) Part {
	return Part{Plugin: name, Owns: []ns.Kind{ns.Net}, Offer: &ns.Offer{
		Kinds: []ns.Kind{ns.Net},
		Steps: []ns.Step{{Op: ns.OpLinkUp, Target: "lo"}, {Op: ns.OpFile, Target: "/etc/resolv.conf", Data: "nameserver 192.0.2.1\n"}},
		Hooks: []ns.Point{ns.PreExec, ns.PostExec},
		Pin:   []ns.Kind{ns.Net},
	}}
}

func utsPart(hostname string) Part {
	return Part{Plugin: "uts", Owns: []ns.Kind{ns.UTS}, Offer: &ns.Offer{
		Kinds: []ns.Kind{ns.UTS}, Steps: []ns.Step{{Op: ns.OpHostname, Data: hostname}},
	}}
}

func userPart() Part {
	return Part{Plugin: "user", Owns: []ns.Kind{ns.User}, Reason: "the caller is not root", Offer: &ns.Offer{
		Kinds: []ns.Kind{ns.User}, IDMap: &ns.IDMap{}, Hooks: []ns.Point{ns.PreExec},
	}}
}

func TestMergeOrdersStepsByTheirTurn(t *testing.T) {
	p, err := Merge([]Part{mountPart(), netPart("net"), utsPart("box"), userPart()})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Steps {
		got = append(got, s.Plugin+" "+string(s.Op))
	}
	want := []string{"uts hostname", "net link-up", "mount propagation", "mount rootfs", "mount bind", "net file", "mount pivot"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
}

func TestMergeTellsWhatBecomesOfEachKind(t *testing.T) {
	keep := Part{Plugin: "host", Owns: []ns.Kind{ns.Net}, Offer: &ns.Offer{Keeps: []ns.Kind{ns.Net}}}
	join := Part{Plugin: "join", Owns: []ns.Kind{ns.IPC}, Offer: &ns.Offer{Joins: []ns.Join{{Kind: ns.IPC, Source: "run:web"}}}}
	p, err := Merge([]Part{keep, join, utsPart("box")})
	if err != nil {
		t.Fatal(err)
	}
	want := &ns.Plan{
		Version: ns.PlanVersion,
		Kinds:   []ns.Ownership{{Kind: ns.UTS, Plugin: "uts"}},
		Keeps:   []ns.Ownership{{Kind: ns.Net, Plugin: "host"}},
		Joins:   []ns.PlannedJoin{{Plugin: "join", Join: ns.Join{Kind: ns.IPC, Source: "run:web"}}},
		Steps:   []ns.PlannedStep{{Plugin: "uts", Step: ns.Step{Op: ns.OpHostname, Data: "box"}}},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

func TestMergeRefusesStepsOnWhatIsNotTheRuns(t *testing.T) {
	lo := []ns.Step{{Op: ns.OpLinkUp, Target: "lo"}}
	for name, offer := range map[string]*ns.Offer{
		"kept":   {Keeps: []ns.Kind{ns.Net}, Steps: lo},
		"joined": {Joins: []ns.Join{{Kind: ns.Net, Source: "/run/netns/x"}}, Steps: lo},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Merge([]Part{{Plugin: "sly", Owns: []ns.Kind{ns.Net}, Offer: offer}})
			if err == nil || !strings.Contains(err.Error(), "needs a net namespace, which this run does not have") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("two owners", func(t *testing.T) {
		keep := Part{Plugin: "host", Owns: []ns.Kind{ns.Net}, Offer: &ns.Offer{Keeps: []ns.Kind{ns.Net}}}
		_, err := Merge([]Part{keep, netPart("net")})
		if err == nil || !strings.Contains(err.Error(), "plugins host and net both want to set the net namespace") {
			t.Errorf("got %v", err)
		}
	})
}

func TestMergeOrdersHooksByRankAndUndoesInReverse(t *testing.T) {
	p, err := Merge([]Part{mountPart(), netPart("net"), userPart()})
	if err != nil {
		t.Fatal(err)
	}
	want := []ns.Call{{Point: ns.PreExec, Plugin: "user"}, {Point: ns.PreExec, Plugin: "net"}, {Point: ns.PostExec, Plugin: "net"}}
	if d := cmp.Diff(want, p.Hooks); d != "" {
		t.Errorf("hooks (-want +got):\n%s", d)
	}
}

func TestMergeGivesTheSamePlanWhateverTheOrderOfParts(t *testing.T) {
	parts := []Part{mountPart(), netPart("net"), utsPart("box"), userPart(),
		{Plugin: "audit", Offer: &ns.Offer{Hooks: []ns.Point{ns.PreExec}}},
		{Plugin: "secrets", Offer: &ns.Offer{Env: []ns.EnvVar{{Name: "A", Value: "1"}}}}}
	want, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		got, err := Merge(parts)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("plan changed with the order (-want +got):\n%s", d)
		}
	}
}

func TestMergeReportsEveryConflictByName(t *testing.T) {
	rival := netPart("native")
	rival.Offer.Env = []ns.EnvVar{{Name: "ADDR", Value: "b"}}
	first := netPart("net")
	first.Offer.Env = []ns.EnvVar{{Name: "ADDR", Value: "a"}}
	host := Part{Plugin: "zz", Offer: &ns.Offer{Steps: []ns.Step{{Op: ns.OpHostname, Data: "other"}}, Claims: []string{"the firewall"}}}
	host2 := Part{Plugin: "zy", Offer: &ns.Offer{Claims: []string{"the firewall"}}}
	_, err := Merge([]Part{mountPart(), first, rival, utsPart("box"), host, host2})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"plugins native and net both want to set the net namespace",
		"plugins native and net both want to set the path /etc/resolv.conf",
		"plugins native and net both want to set the environment variable ADDR",
		"plugins uts and zz both want to set the hostname",
		"plugins zy and zz both want to set the firewall",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s\nin:\n%v", want, err)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	tests := []struct {
		name, want string
		part       Part
	}{
		{"a step whose namespace nobody makes", "the step hostname needs a uts namespace",
			Part{Plugin: "p", Offer: &ns.Offer{Steps: []ns.Step{{Op: ns.OpHostname, Data: "x"}}}}},
		{"a step that it doesn't know", "asks for the step frobnicate",
			Part{Plugin: "p", Offer: &ns.Offer{Steps: []ns.Step{{Op: "frobnicate"}}}}},
		{"a sysctl of the whole host", "asks for the step sysctl vm.overcommit_memory",
			Part{Plugin: "p", Offer: &ns.Offer{Steps: []ns.Step{{Op: ns.OpSysctl, Target: "vm.overcommit_memory", Data: "1"}}}}},
		{"a kind that the plugin was not chosen for", "offers a pid namespace",
			Part{Plugin: "p", Offer: &ns.Offer{Kinds: []ns.Kind{ns.PID}}}},
		{"a wanted kind that is missing", "needs a mount namespace",
			Part{Plugin: "p", Offer: &ns.Offer{Wants: []ns.Kind{ns.Mount}}}},
		{"an error diagnostic", "p: no",
			Part{Plugin: "p", Offer: &ns.Offer{Diagnostics: []ns.Diagnostic{{Summary: "no"}}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Merge([]Part{test.part})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestExtendHoldsLateStepsToTheSameRules(t *testing.T) {
	p, err := Merge([]Part{mountPart(), utsPart("box")})
	if err != nil {
		t.Fatal(err)
	}
	late := &ns.HookReply{Steps: []ns.Step{{Op: ns.OpFile, Target: "/etc/hosts", Data: "x"}}}
	if err := Extend(p, "net", late); err != nil {
		t.Fatal(err)
	}
	if last := p.Steps[len(p.Steps)-1]; last.Op != ns.OpPivot {
		t.Errorf("last step is %s, want pivot", last.Op)
	}
	clash := &ns.HookReply{Steps: []ns.Step{{Op: ns.OpHostname, Data: "other"}}}
	if err := Extend(p, "net", clash); err == nil || !strings.Contains(err.Error(), "plugins uts and net both want to set the hostname") {
		t.Errorf("got %v", err)
	}
}

func TestWhatConfinesTheCommandComesLast(t *testing.T) {
	part := func(name string, s ns.Step) Part {
		return Part{Plugin: name, Offer: &ns.Offer{Steps: []ns.Step{s}}}
	}
	parts := []Part{
		part("a", ns.Step{Op: ns.OpSeccomp, Data: "BgAAAAAA/38="}), part("b", ns.Step{Op: ns.OpLandlock, Data: "fs"}),
		part("c", ns.Step{Op: ns.OpCaps}), part("d", ns.Step{Op: ns.OpRlimit, Target: "core", Data: "0"}), mountPart(),
	}
	p, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Steps {
		got = append(got, string(s.Op))
	}
	if d := cmp.Diff([]string{"propagation", "rootfs", "bind", "pivot", "rlimit", "caps", "landlock", "seccomp"}, got); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	_, err = Merge(append(parts, part("e", ns.Step{Op: ns.OpCaps, Data: "kill"})))
	if err == nil || !strings.Contains(err.Error(), "plugins c and e both want to set the capabilities") {
		t.Errorf("got %v", err)
	}
}
