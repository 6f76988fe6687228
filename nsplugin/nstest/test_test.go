// SPDX-License-Identifier: Apache-2.0

package nstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// sloppy is a plugin that keeps all rules, but for what a test sets.
type sloppy struct {
	Greet string `option:"greet" help:"whom to greet" default:"world"`

	describe  func(*nsplugin.Info)
	negotiate func(*ns.Offer) error
	post      func() error
	check     []ns.Diagnostic
}

func (s *sloppy) Describe() nsplugin.Info {
	i := nsplugin.Info{Name: "sloppy", Version: "1", Summary: "is sloppy", Kinds: []ns.Kind{ns.UTS}}
	if s.describe != nil {
		s.describe(&i)
	}
	return i
}

func (s *sloppy) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if s.Greet == "" {
		return nil, nsplugin.Errorf("greet nobody").WithOption("greet").WithHint("--greet world")
	}
	offer := &ns.Offer{Kinds: req.Owns, Steps: []ns.Step{nsplugin.Hostname(s.Greet)}}
	if s.negotiate != nil {
		return offer, s.negotiate(offer)
	}
	return offer, nil
}

func (s *sloppy) PostExec(context.Context, *ns.HookRequest) error {
	if s.post != nil {
		return s.post()
	}
	return nil
}

func (s *sloppy) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) { return s.check, nil }

func TestGoodPluginPasses(t *testing.T) {
	greet := func(name string) []ns.Setting {
		return []ns.Setting{{Option: "greet", Args: []string{name}}}
	}
	Test(t, &sloppy{},
		Case{Name: "a name", Settings: greet("you"), Kinds: []ns.Kind{ns.Mount}},
		Case{Name: "no name", Settings: greet(""), Refused: "--greet"},
	)
}

// broken is a plugin that breaks a rule.
type broken struct {
	check  string // by its SPEC id
	c      Case   // for checks that take one
	plugin *sloppy
	want   string
}

// find returns the check of the id that comes first.
func find(t *testing.T, id string) conform.AnswerCheck {
	t.Helper()
	for _, a := range slices.Concat(conform.Answers, conform.CaseAnswers) {
		if a.ID == id {
			return a
		}
	}
	t.Fatalf("no check %s", id)
	return conform.AnswerCheck{}
}

func TestBrokenRulesAreFound(t *testing.T) {
	calls := 0
	fickle := func(o *ns.Offer) error { calls++; o.Claims = []string{fmt.Sprint("call ", calls)}; return nil }
	for name, b := range map[string]broken{
		"an invalid descriptor": {"D-1", Case{},
			&sloppy{describe: func(i *nsplugin.Info) { i.Version = "" }}, "version is missing"},
		"a descriptor that changes": {"D-2", Case{},
			&sloppy{describe: func(i *nsplugin.Info) { calls++; i.Version = fmt.Sprint(calls) }}, "the descriptor changed"},
		"an invalid check": {"C-1", Case{},
			&sloppy{check: []ns.Diagnostic{{}}}, "summary is missing"},
		"an undo that fails": {"U-1", Case{},
			&sloppy{post: func() error { return errors.New("no such network") }}, "post-exec failed: no such network"},
		"an undo that fails the second time": {"U-1", Case{},
			&sloppy{post: failsAfter(1)}, "post-exec failed: already gone"},
		"an offer of another's kind": {"N-1", Case{},
			&sloppy{negotiate: func(o *ns.Offer) error { o.Kinds = append(o.Kinds, ns.Net); return nil }}, "kinds has net"},
		"a step that the run has no namespace for": {"N-1", Case{},
			&sloppy{negotiate: func(o *ns.Offer) error { o.Steps = []ns.Step{nsplugin.LinkUp("lo")}; return nil }}, "needs a net namespace"},
		"a refusal that no case expects": {"N-1", Case{},
			&sloppy{negotiate: func(*ns.Offer) error { return errors.New("don't want to") }}, "refused: don't want to"},
		"a panic": {"N-1", Case{},
			&sloppy{negotiate: func(*ns.Offer) error { panic("boom") }}, "plugin panicked: boom"},
		"no refusal where a case expects one": {"N-1", Case{Refused: "--greet"},
			&sloppy{}, "not refused with --greet"},
		"another refusal than a case expects": {"N-1", Case{Refused: "--greet"},
			&sloppy{negotiate: func(*ns.Offer) error { return errors.New("other") }}, "not refused with --greet: other"},
		"an offer that changes": {"N-2", Case{},
			&sloppy{negotiate: fickle}, `the offer changed: "call 1", then "call 3"`},
		"an offer that minds unknown fields": {"V-2", Case{},
			&sloppy{negotiate: fickle}, "unknown fields changed the offer"},
	} {
		t.Run(name, func(t *testing.T) {
			calls = 0
			p, check := Start(t, b.plugin), find(t, b.check)
			faults := strings.Join(check.Run(t.Context(), p.conn, p.Describe(), &b.c).Faults, "\n")
			if !strings.Contains(faults, b.want) {
				t.Errorf("found %q, want %q", faults, b.want)
			}
		})
	}
}

// failsAfter returns an undo that succeeds n times.
func failsAfter(n int) func() error {
	return func() error {
		if n--; n < 0 {
			return errors.New("already gone")
		}
		return nil
	}
}

func TestRequiredOptionLeavesTheCasesToThePlugin(t *testing.T) {
	d := &ns.Descriptor{Options: []ns.Option{{Name: "must", Required: true}}}
	if cases := conform.Defaults(d); cases != nil {
		t.Errorf("got %v", cases)
	}
}

func TestRequestOfACase(t *testing.T) {
	d := &ns.Descriptor{Name: "d", Kinds: []ns.Kind{ns.Net, ns.User}}
	req := (&Case{Kinds: []ns.Kind{ns.Mount, ns.Net}}).Request(d)
	if got := fmt.Sprint(req.Owns, req.Kinds); got != "[user net] [user net mount]" {
		t.Errorf("owns and kinds are %s", got)
	}
	if req.Facts.Kernel == "" || req.Facts.Dir == "" {
		t.Errorf("facts are %+v", req.Facts)
	}
}
