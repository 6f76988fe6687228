// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// What is printed is what happens: the calls that strace(1) sees in the child
// are those of the program, in order, less the ones that were jumped over.
func TestThePrintedCallsAreMade(t *testing.T) {
	needRoot(t)
	_, steps := newRoot(t)
	o := mounts(append(steps, tmp, bind("/dev/null", "/tmp/null"), ns.Step{Op: ns.OpFile, Target: "/tmp/f", Data: "x"}, pivot)...)
	o.Command = Command{Argv: []string{"true"}, Env: []string{"PATH=/nosuch:/bin"}, NoNewPrivs: true}
	prog, err := Compile(o.Config)
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	r := newRun(t, o, "true").injected(t, "uname:delay_enter=0")
	r.Args[slices.Index(r.Args, "/dev/null")] = trace
	r.Args = slices.Insert(r.Args, 1, "-ff", "-e", "trace=all")
	if _, stderr, status := r.result(t); status != 0 {
		t.Fatalf("status %d: %s", status, stderr)
	}
	traced := traceOfChild(t, trace)
	if made, printed := unshareCall.FindString(traced), unshareCall.FindString(prog.String()); made == "" || made != printed {
		t.Errorf("made %q, printed %q", made, printed)
	}
	made := callsOfProgram(traced)
	i := 0
	for _, name := range printedCalls(prog.String()) {
		if i < len(made) && made[i] == name {
			i++
		}
	}
	if i == 0 || i != len(made) {
		t.Errorf("call %d is not in the program:\n%s\nthe program:\n%s", i, strings.Join(made, "\n"), prog)
	}
}

// traceOfChild returns what strace(1) saw of the child.
func traceOfChild(t *testing.T, trace string) string {
	t.Helper()
	files, _ := filepath.Glob(trace + ".*")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(data), "prctl(PR_SET_PDEATHSIG") {
			return string(data)
		}
	}
	t.Fatal("no trace of the child")
	return ""
}

// callsOfProgram returns the names of the calls from the child's reading of its
// program to its execve that succeeded.
func callsOfProgram(text string) []string {
	text = text[strings.Index(text, "umask("):]
	return callNames(text[:executed.FindStringIndex(text)[1]])
}

var unshareCall = regexp.MustCompile(`unshare\([A-Z_|]+\)`)

var executed = regexp.MustCompile(`(?m)^execve\(.* = 0$`)

var callName = regexp.MustCompile(`(?m)^(?: *\d+  )?([a-z][a-z0-9_]*)\(`)

func callNames(text string) (names []string) {
	for _, m := range callName.FindAllStringSubmatch(text, -1) {
		if m[1] != "faccessat" { // belongs to an execve that failed
			names = append(names, m[1])
		}
	}
	return names
}

func printedCalls(program string) []string { return callNames(program) }
