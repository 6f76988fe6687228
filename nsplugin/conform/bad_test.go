// SPDX-License-Identifier: Apache-2.0

package conform_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// bin is the directory of badplugin.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conform-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "badplugin"), "github.com/nsrun/nsrun/internal/badplugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build badplugin: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.Run()
}

// bad returns the plugin that misbehaves in this way.
func bad(t *testing.T, mode string) conform.Subject {
	t.Helper()
	path := filepath.Join(bin, ns.BinaryPrefix+"bad-"+mode)
	if err := os.Symlink("badplugin", path); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return conform.Subject{Path: path, Limits: patient, NewChild: sleeper}
}

// patient are limits that a loaded machine keeps.
var patient = conform.Limits{Start: 20 * time.Second, Call: 20 * time.Second, Hook: 20 * time.Second, Check: 20 * time.Second, End: 5 * time.Second}

// sleeper stands in for a child in namespaces: these plugins don't touch it.
func sleeper(_, _ []ns.Kind) (*conform.Child, error) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &conform.Child{PID: cmd.Process.Pid, Close: func() {}, Kill: func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}, nil
}

func TestGoodPluginConforms(t *testing.T) {
	for _, mode := range []string{"good", "flood-early"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			results := conform.Run(t.Context(), bad(t, mode))
			if len(results) < 30 {
				t.Errorf("only %d checks were made", len(results))
			}
			for _, r := range results {
				if r.Outcome == conform.Failed || r.Outcome == conform.Advice {
					t.Errorf("%s %s %s %s: %v", r.ID, r.Outcome, r.Name, r.Case, r.Details)
				}
			}
		})
	}
}

// badPlugin is one way to misbehave, the demand of SPEC.md that it breaks, and what
// the author reads.
type badPlugin struct{ mode, id, detail string }

// TestBadHandshakesAreCaught has one plugin for each way to begin as none may.
func TestBadHandshakesAreCaught(t *testing.T) {
	wantCaught(t, []badPlugin{
		{"byhand", "H-1", "it serves without the cookie"},
		{"exit0", "H-7", "it ended (exit status 0) before the handshake"},
		{"exit127", "H-7", "cannot load libfoo.so"},
		{"panic-early", "H-7", "exit status 2"},
		{"segv-early", "H-7", "signal: segmentation fault"},
		{"daemon-exit", "H-7", "exit status 3"},
		{"silent", "H-7", "no line within"},
		{"partial", "H-7", `it printed "1|1|un"`},
		{"slow", "H-7", `it printed "11`},
		{"closed", "H-7", "closed standard output"},
		{"banner", "H-5", "welcome to badplugin"},
		{"escape", "H-5", `\x1b[2Jcleared`},
		{"endless", "H-4", "longer than 4096 bytes"},
		{"core9", "H-4", `field 1 is "9"`},
		{"api9", "H-4", `field 2 is "9"`},
		{"api0", "H-4", `field 2 is "0"`},
		{"netrpc", "H-4", `field 5 is "netrpc"`},
		{"oldform", "H-4", `field 5 is ""`},
		{"cert", "H-4", "field 6 is"},
		{"fields", "H-4", "it has 8 fields"},
		{"tcp", "H-4", `field 3 is "tcp"`},
		{"foreign", "H-3", "/run/foreign.sock"},
		{"abstract", "H-3", "@nsrun-foreign"},
		{"dotdot", "H-3", "isn't in PLUGIN_UNIX_SOCKET_DIR"},
		{"missing", "H-3", "no such file"},
		{"file", "H-3", "is no socket"},
		{"symlink", "H-3", "is no socket"},
		{"peer", "H-3", "not the one that was started"},
		{"api9", "H-2", "with PLUGIN_PROTOCOL_VERSIONS=1,1000"},
		{"noaccept", "H-8", "DeadlineExceeded"},
		{"garbage", "H-8", "describe: gRPC status"},
		{"noshutdown", "P-5", "Shutdown is not served"},
		{"future", "V-4", "gRPC status"},
	})
}

// TestBadDescriptionsAreCaught has plugins that say wrong things of themselves, of the host, or of a refusal.
func TestBadDescriptionsAreCaught(t *testing.T) {
	wantCaught(t, []badPlugin{
		{"othername", "D-1", `the descriptor says "somebody"`},
		{"descriptor", "D-1", "version is missing"},
		{"requires", "D-1", "time travel"},
		{"impure", "D-2", "the descriptor changed"},
		{"badcheck", "C-1", "dreadful"},
		{"fickle-review", "W-2", "the review changed"},
		{"badoption", "D-3", `"number"`},
		{"checklitter", "C-2", "file is left: bad"},
		{"baddiag", "G-4", "dreadful"},
		{"rudely", "R-1", "gRPC status InvalidArgument"},
		{"needskey", "U-6", "no key to undo with"},
	})
}

// TestBadOffersAreCaught has plugins that break, or answer badly, when they are asked.
func TestBadOffersAreCaught(t *testing.T) {
	wantCaught(t, []badPlugin{
		{"hang", "N-1", "DeadlineExceeded"},
		{"stop", "N-1", "DeadlineExceeded"},
		{"panic", "N-1", "Unavailable"},
		{"segv", "N-1", "Unavailable"},
		{"exit", "N-1", "Unavailable"},
		{"huge", "N-1", "larger than max"},
		{"manysteps", "N-1", "100000 steps"},
		{"nested", "N-1", "gRPC status Internal"},
		{"somesteps", "N-1", "5000 steps"},
		{"unknownstep", "N-1", `unknown op "shell"`},
		{"status", "N-1", "gRPC status Internal"},
		{"longstatus", "N-1", "gRPC status"},
		{"unimplemented", "N-1", "gRPC status Unimplemented"},
		{"fickle", "N-2", "the offer changed"},
		{"listener", "N-2", "socket unix @nsrun-bad-listener"},
		{"litter", "N-2", "file is left: bad"},
		{"lax", "N-4", "--no-such-option was accepted"},
		{"serial", "R-4", "the offers differ"},
		{"strict", "V-2", "what is that?"},
		{"giveup", "R-3", "Unavailable"},
		{"glutton", "R-5", "was accepted"},
	})
}

// TestBadProcessesAreCaught has plugins whose process doesn't behave.
func TestBadProcessesAreCaught(t *testing.T) {
	wantCaught(t, []badPlugin{
		{"pid", "P-1", "the offers differ"},
		{"fdleak", "P-1", "/dev/zero"},
		{"tty", "P-7", "it opened /dev/"},
		{"stdin", "P-2", "22 bytes of standard input"},
		{"nolifeline", "P-4", "it still runs"},
		{"deaf", "P-5", "it still runs"},
		{"json", "L-1", "not a log line"},
		{"sensitive", "L-4", "in the log"},
	})
}

// TestBadHooksAreCaught has plugins that don't undo what they did, or touch what isn't theirs.
func TestBadHooksAreCaught(t *testing.T) {
	wantCaught(t, []badPlugin{
		{"undofails", "U-1", "no such thing"},
		{"undohangs", "U-1", "DeadlineExceeded"},
		{"undoonce", "U-1", "already gone"},
		{"prehang", "E-3", "DeadlineExceeded"},
		{"latestep", "E-3", `unknown op "shell"`},
		{"leftover", "E-3", "file is left: conform"},
		{"needsstate", "U-1", "file is left: conform"},
		{"undoall", "U-5", "it took from another run: file "},
		{"checksnothing", "C-5", "it says nothing of the run"},
		{"repairs", "C-5", "file is left: bad"},
		{"updatesall", "M-3", "taken away what was not there"},
		{"updatelitter", "M-3", "file is left: bad"},
		{"updatesothers", "M-4", "settings that differ in options that were not to be changed"},
		{"stopchild", "E-6", "the child is in state T"},
		{"helperstays", "P-8", "is left, which carries the run's id"},
		{"helperwithoutid", "P-8", "has the run's id in its arguments"},
	})
}

// wantCaught wants that the right check catches each plugin.
func wantCaught(t *testing.T, plugins []badPlugin) {
	t.Helper()
	for _, tt := range plugins {
		t.Run(tt.mode+" "+tt.id, func(t *testing.T) {
			t.Parallel()
			results := conform.Run(t.Context(), hasty(t, tt.mode, tt.id))
			wantFault(t, results, conform.Failed, tt.id, tt.detail)
			if conform.Conforms(results) {
				t.Error("the plugin conforms")
			}
		})
	}
}

// hasty is bad, with limits that are short where the plugin hangs.
func hasty(t *testing.T, mode, id string) conform.Subject {
	t.Helper()
	s := bad(t, mode)
	s.Only = []string{id}
	switch mode {
	case "silent", "partial", "slow":
		s.Limits.Start = time.Second
	case "hang", "stop", "noaccept":
		s.Limits.Call = 300 * time.Millisecond
	case "prehang", "undohangs":
		s.Limits.Hook = 300 * time.Millisecond
	case "nolifeline", "deaf", "byhand", "daemon":
		s.Limits.End = time.Second
	}
	return s
}

func TestAdviceIsNoFailure(t *testing.T) {
	for _, tt := range []struct{ mode, id, detail string }{
		{"loud", "L-2", "just so you know"},
		{"anyvalue", "S-4", "--count 1e3x was accepted"},
		{"interrupt", "P-6", "Unavailable"},
		{"helperstays", "E-8", "goes on when the run's lifeline is at its end"},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			results := conform.Run(t.Context(), hasty(t, tt.mode, tt.id))
			wantFault(t, results, conform.Advice, tt.id, tt.detail)
			if !conform.Conforms(results) {
				t.Error("the plugin doesn't conform")
			}
		})
	}
}

// wantFault wants a result of the demand id with this outcome and detail.
func wantFault(t *testing.T, results []conform.Result, outcome conform.Outcome, id, detail string) {
	t.Helper()
	var found []string
	for _, r := range results {
		if r.Outcome == outcome && r.ID == id && strings.Contains(strings.Join(r.Details, "\n"), detail) {
			return
		}
		if r.Outcome == conform.Failed || r.Outcome == conform.Advice {
			found = append(found, fmt.Sprintf("%s %s %s: %.300v", r.ID, r.Outcome, r.Name, r.Details))
		}
	}
	t.Errorf("no result %s %s with %q, but\n%s", id, outcome, detail, strings.Join(found, "\n"))
}

// TestLeftProcessesAreFound has a plugin whose daemon leaves the process group.
func TestLeftProcessesAreFound(t *testing.T) {
	results := conform.Run(t.Context(), hasty(t, "daemon", "P-5"))
	wantFault(t, results, conform.Failed, "P-5", "is left: ")
}

// TestUndoHalfDoneIsFound has a plugin whose PostExec forgets the rest when it is
// killed half-way. On a loaded machine it may not yet be there.
func TestUndoHalfDoneIsFound(t *testing.T) {
	for end := time.Now().Add(30 * time.Second); ; {
		results := conform.Run(t.Context(), hasty(t, "undohalf", "U-1"))
		if !conform.Conforms(results) {
			wantFault(t, results, conform.Failed, "U-1", "file is left: conform")
			return
		}
		if time.Now().After(end) {
			t.Fatal("the plugin conforms")
		}
	}
}

func TestStoppedRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range conform.Run(ctx, bad(t, "good-stopped")) {
		if r.Outcome == conform.Passed && r.ID != "H-7" && r.ID[0] != 'H' {
			t.Errorf("%s passed", r.ID)
		}
	}
}

// TestHooksThatNeedMoreThanTheKitHasAreSkipped has a plugin that works in a user
// namespace, which another plugin sets up.
func TestHooksThatNeedMoreThanTheKitHasAreSkipped(t *testing.T) {
	results := conform.Run(t.Context(), hasty(t, "wantsuser", "E-3"))
	wantFault(t, results, conform.Skipped, "E-3", "wants a user namespace")
}
