// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

// everything is what exists in the first user namespace.
var everything = []ns.Extent{{Inside: 0, Outside: 0, Size: 4294967295}}

// ordinary returns a caller with user id 1000, group id 100 and subordinate
// ranges from 100000 on.
func ordinary() *caller {
	return &caller{
		name: "ann",
		users: side{
			what: "user", option: "map-users", own: 1000, exist: everything,
			sub: []ns.Extent{{Outside: 100000, Size: 65536}}, subid: "/etc/subuid", helper: "/usr/bin/newuidmap",
		},
		groups: side{
			what: "group", option: "map-groups", own: 100, exist: everything,
			sub: []ns.Extent{{Outside: 200000, Size: 1000}, {Outside: 201000, Size: 500}}, subid: "/etc/subgid", helper: "/usr/bin/newgidmap",
		},
	}
}

// without returns c after changes.
func without(c *caller, changes ...func(*caller)) *caller {
	for _, change := range changes {
		change(c)
	}
	return c
}

func noHelpers(c *caller) { c.users.helper, c.groups.helper = "", "" }
func noName(c *caller)    { c.name = "" }
func noSubgids(c *caller) { c.groups.sub = nil }

// root returns the superuser of a namespace with the given ids.
func root(exist ...ns.Extent) *caller {
	return &caller{
		root: true, name: "root",
		users:  side{what: "user", option: "map-users", exist: exist, subid: "/etc/subuid"},
		groups: side{what: "group", option: "map-groups", exist: exist, subid: "/etc/subgid"},
	}
}

// extents reads a map as it is written on the command line.
func extents(t *testing.T, text string) []ns.Extent {
	t.Helper()
	var list []ns.Extent
	for _, field := range strings.Fields(text) {
		e, err := parseExtent(field)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func TestMap(t *testing.T) {
	tests := []struct {
		name       string
		options    user
		caller     *caller
		uids, gids string
		deny       bool
		helpers    bool
		direct     bool
	}{
		{name: "root keeps its ids", caller: root(everything...),
			uids: "0:0:4294967295", gids: "0:0:4294967295"},
		{name: "root of a nested namespace keeps the ids that exist there", caller: root(extents(t, "0:1000:1 1:100000:65536")...),
			uids: "0:0:1 1:1:65536", gids: "0:0:1 1:1:65536"},
		{name: "root with one id", options: user{MapRoot: true}, caller: root(everything...),
			uids: "0:0:1", gids: "0:0:1"},
		{name: "root gives ranges, to groups alike", options: user{MapUsers: []string{"0:0:1", "1:100000:10"}}, caller: root(everything...),
			uids: "0:0:1 1:100000:10", gids: "0:0:1 1:100000:10"},
		{name: "root gives both", options: user{MapUsers: []string{"0:0:9"}, MapGroups: []string{"0:0:8"}}, caller: root(everything...),
			uids: "0:0:9", gids: "0:0:8"},
		{name: "an ordinary user is root with its subordinate ids", caller: ordinary(),
			uids: "0:1000:1 1:100000:65536", gids: "0:100:1 1:200000:1000 1001:201000:500", helpers: true},
		{name: "an ordinary user asks for the same", options: user{MapAuto: true}, caller: ordinary(),
			uids: "0:1000:1 1:100000:65536", gids: "0:100:1 1:200000:1000 1001:201000:500", helpers: true},
		{name: "an ordinary user keeps its id among its subordinate ids", options: user{MapAuto: true, MapCurrent: true}, caller: ordinary(),
			uids: "1000:1000:1 0:100000:1000 1001:101000:64536", gids: "100:100:1 0:200000:100 101:200100:900 1001:201000:500", helpers: true},
		{name: "an ordinary user is root alone", options: user{MapRoot: true}, caller: ordinary(),
			uids: "0:1000:1", gids: "0:100:1", deny: true, direct: true},
		{name: "an ordinary user is itself alone", options: user{MapCurrent: true}, caller: ordinary(),
			uids: "1000:1000:1", gids: "100:100:1", deny: true, direct: true},
		{name: "an ordinary user needs no helper for its own ids", options: user{MapUsers: []string{"7:1000:1"}, MapGroups: []string{"8:100:1"}}, caller: without(ordinary(), noHelpers, noName),
			uids: "7:1000:1", gids: "8:100:1", deny: true, direct: true},
		{name: "the half that isn't given is the caller's own id", options: user{MapUsers: []string{"0:100000:5", "5:1000:1"}}, caller: ordinary(),
			uids: "0:100000:5 5:1000:1", gids: "0:100:1", deny: true, helpers: true},
		{name: "ranges join where one goes on after another", options: user{MapGroups: []string{"0:200000:1500", "1500:100:1"}}, caller: ordinary(),
			uids: "0:1000:1", gids: "0:200000:1500 1500:100:1", helpers: true},
		{name: "root and a list", options: user{MapRoot: true, MapUsers: []string{"1:100000:5"}}, caller: ordinary(),
			uids: "0:1000:1 1:100000:5", gids: "0:100:1", deny: true, helpers: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, notes := tt.options.decide(tt.caller)
			if len(notes) > 0 {
				t.Errorf("notes: %+v", notes)
			}
			want := &ns.IDMap{UIDs: extents(t, tt.uids), GIDs: extents(t, tt.gids), DenySetgroups: tt.deny, Helpers: tt.helpers, Direct: tt.direct}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("map (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnIDsAloneComeWithANotice(t *testing.T) {
	tests := []struct {
		name   string
		caller *caller
		detail string
		hint   string
	}{
		{"no helpers", without(ordinary(), noHelpers), "newuidmap and newgidmap aren't in /usr/bin, /usr/sbin, /bin", installHint},
		{"no name", without(ordinary(), noName), "user id 1000 has no name in the password database, which newuidmap asks for", "--map-root-user, which needs none"},
		{"no privilege to be had", without(ordinary(), func(c *caller) { c.noNewPrivs = true }),
			"no_new_privs is set, so that newuidmap can't get the privilege to map them; prctl(2)", "--map-root-user, which needs none"},
		{"no ranges", without(ordinary(), noSubgids), "no range of ann in /etc/subgid can be mapped",
			"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann, as root"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, notes := (&user{}).decide(tt.caller)
			want := &ns.IDMap{UIDs: extents(t, "0:1000:1"), GIDs: extents(t, "0:100:1"), DenySetgroups: true, Direct: true}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("map (-want +got):\n%s", diff)
			}
			wantNotes := []ns.Diagnostic{{
				Severity: ns.Notice, Summary: "only your own user and group id are mapped, to root", Detail: tt.detail, Hint: tt.hint,
			}}
			if diff := cmp.Diff(wantNotes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
		t.Run(tt.name+", but asked for", func(t *testing.T) {
			got, notes := (&user{MapAuto: true}).decide(tt.caller)
			if got != nil || len(notes) != 1 || notes[0].Severity != ns.Error || notes[0].Detail != tt.detail {
				t.Errorf("decide = %+v, %+v, want an error with detail %q", got, notes, tt.detail)
			}
		})
	}
}

// refusal is options that a caller may not have, and what is said about them.
type refusal struct {
	name    string
	options user
	caller  *caller
	want    []string
}

// expectRefusals wants that each is refused with nothing but what it wants.
func expectRefusals(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			got, notes := tt.options.decide(tt.caller)
			if got != nil {
				t.Errorf("map = %+v, want none", got)
			}
			var summaries []string
			for _, n := range notes {
				summaries = append(summaries, n.Summary)
				if n.Severity != ns.Error || n.Option == "" || n.Hint == "" {
					t.Errorf("%+v isn't an error with an option and a hint", n)
				}
			}
			if diff := cmp.Diff(tt.want, summaries); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusesWhatTheKernelTakesFromNobody(t *testing.T) {
	many := make([]string, ns.MaxExtents+1)
	for i := range many {
		many[i] = fmt.Sprintf("%d:%d:1", i, i)
	}
	expectRefusals(t, []refusal{
		{"size 0", user{MapUsers: []string{"0:0:0"}, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 0:0:0 maps no ids: its size is 0"}},
		{"past the last id inside", user{MapUsers: []string{"4294967290:0:6"}, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 4294967290:0:6 goes past the last id, 4294967294"}},
		{"past the last id outside", user{MapUsers: []string{"0:2:4294967295"}, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 0:2:4294967295 goes past the last id, 4294967294"}},
		{"no id", user{MapUsers: []string{"0:4294967295:1"}, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 0:4294967295:1 goes past the last id, 4294967294"}},
		{"overlap inside", user{MapUsers: []string{"0:0:10", "9:100:5"}, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 0:0:10 and 9:100:5 overlap inside"}},
		{"overlap outside", user{MapUsers: []string{"0:0:10", "50:9:5"}, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 0:0:10 and 50:9:5 overlap outside"}},
		{"the same twice", user{MapUsers: []string{"0:0:1"}, MapGroups: []string{"0:0:1", "0:0:1"}}, root(everything...),
			[]string{"--map-groups: 0:0:1 and 0:0:1 overlap inside", "--map-groups: 0:0:1 and 0:0:1 overlap outside"}},
		{"the root that is added overlaps", user{MapRoot: true, MapUsers: []string{"0:100000:5"}}, ordinary(),
			[]string{"--map-users: 0:1000:1 and 0:100000:5 overlap inside"}},
		{"too many lines", user{MapUsers: many, MapGroups: []string{"0:0:1"}}, root(everything...),
			[]string{"--map-users: 341 ranges are too many: a map has up to 340 lines"}},
	})
}

func TestRefusesIDsThatAreNotTheCallers(t *testing.T) {
	small := root(extents(t, "0:1000:1 1:100000:100")...)
	expectRefusals(t, []refusal{
		{"ids that don't exist", user{MapUsers: []string{"0:0:1", "1:50:100"}, MapGroups: []string{"0:0:1"}}, small,
			[]string{"--map-users: 1:50:100 asks for user ids outside that don't exist in your namespace: 50-149"}},
		{"a range over two lines of the caller's map", user{MapUsers: []string{"0:0:2"}, MapGroups: []string{"0:0:1"}}, small,
			[]string{"--map-users: 0:0:2 asks for user ids outside that don't exist in your namespace: 0-1"}},
		{"another's id", user{MapUsers: []string{"0:1001:1"}}, ordinary(),
			[]string{"--map-users: 0:1001:1 asks for user ids outside that aren't yours: 1001"}},
		{"the host's root", user{MapUsers: []string{"0:0:1"}}, ordinary(),
			[]string{"--map-users: 0:0:1 asks for user ids outside that aren't yours: 0"}},
		{"one's own id and the next", user{MapUsers: []string{"0:1000:2"}}, ordinary(),
			[]string{"--map-users: 0:1000:2 asks for user ids outside that aren't yours: 1000-1001"}},
		{"past the end of a subordinate range", user{MapUsers: []string{"0:1000:1", "1:165535:2"}}, ordinary(),
			[]string{"--map-users: 1:165535:2 asks for user ids outside that aren't yours: 165535-165536"}},
		{"more than one's own id without the helpers", user{MapUsers: []string{"0:1000:1", "1:100000:5"}}, without(ordinary(), noHelpers),
			[]string{"--map-users: more than your own user id alone takes newuidmap and newgidmap, which aren't in /usr/bin, /usr/sbin, /bin"}},
	})
}

func TestRefusesOptionsThatContradict(t *testing.T) {
	expectRefusals(t, []refusal{
		{"root and itself", user{MapRoot: true, MapCurrent: true}, ordinary(),
			[]string{"--map-root-user and --map-current-user contradict each other"}},
		{"a list and automatic users", user{MapAuto: true, MapUsers: []string{"0:1000:1"}}, ordinary(),
			[]string{"--map-auto and --map-users contradict each other"}},
		{"a list and automatic groups", user{MapAuto: true, MapGroups: []string{"0:100:1"}}, ordinary(),
			[]string{"--map-auto and --map-groups contradict each other"}},
	})
}

func TestReportsBothHalves(t *testing.T) {
	expectRefusals(t, []refusal{
		{"both halves are reported", user{MapUsers: []string{"0:0:0", "x"}, MapGroups: []string{"1:2"}}, root(everything...),
			[]string{`--map-users: x: it isn't of the form IN:OUT:N`, `--map-groups: 1:2: it isn't of the form IN:OUT:N`}},
	})
}

func TestCallerWithoutIDsInsideIsWarned(t *testing.T) {
	tests := []struct {
		name    string
		options user
		warned  bool
	}{
		{"becomes root", user{MapUsers: []string{"0:100000:10"}, MapGroups: []string{"0:100000:10"}}, false},
		{"has ids of its own", user{MapUsers: []string{"7:0:1"}, MapGroups: []string{"7:0:1"}}, false},
		{"has no user id", user{MapUsers: []string{"7:100000:1"}, MapGroups: []string{"0:0:1"}}, true},
		{"has no group id", user{MapUsers: []string{"0:0:1"}, MapGroups: []string{"7:100000:1"}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, notes := tt.options.decide(root(everything...))
			if warned := len(notes) == 1 && notes[0].Severity == ns.Warning; m == nil || warned != tt.warned {
				t.Errorf("decide = %+v, %+v, want warning: %v", m, notes, tt.warned)
			}
		})
	}
}
