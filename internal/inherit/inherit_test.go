// SPDX-License-Identifier: Apache-2.0

package inherit

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestProcessesGetWhatTheCallerGave starts a program with attributes of its own, at
// Go's entry and at this package's.
func TestProcessesGetWhatTheCallerGave(t *testing.T) {
	programs := map[string]string{"Go's entry": build(t)}
	if runtime.GOARCH == "amd64" {
		programs["entry"] = build(t, "-E", "github.com/nsrun/nsrun/internal/inherit.entry")
	}
	for _, c := range []struct {
		name, shell string
		soft        uint64
		want        string // the limits, the slack, and the processors if not all
	}{
		{"limits", "ulimit -Sn 1000; ulimit -Hn 2000", 1000, "1000 2000 50000"},
		{"few files", "ulimit -n 16", 16, "16 16 50000"},
		{"slack", "ulimit -n 1000; echo 70000 >/proc/self/timerslack_ns", 1000, "1000 1000 70000"},
		{"one processor", "ulimit -n 1000; taskset -pc 0 $$ >/dev/null", 1000, "1000 1000 50000 Cpus_allowed_list: 0"},
		{"no standard input", "ulimit -n 1000; exec <&-", 1000, "1000 1000 50000"},
	} {
		if !strings.Contains(c.want, "Cpus") {
			c.want += " " + processors(t)
		}
		for entry, program := range programs {
			t.Run(c.name+", "+entry, func(t *testing.T) {
				got := run(t, c.shell, program)
				if got.First != c.want || got.Other != c.want {
					t.Errorf("processes get %q and %q, want %q", got.First, got.Other, c.want)
				}
				if got.OpenFiles != c.soft {
					t.Errorf("OpenFiles is %d, want %d", got.OpenFiles, c.soft)
				}
			})
		}
	}
}

// TestTheRuntimeStartsWithLittle sees that the entry does what it is there for.
func TestTheRuntimeStartsWithLittle(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("nothing is done on this architecture")
	}
	got := run(t, "true", build(t, "-E", "github.com/nsrun/nsrun/internal/inherit.entry"))
	if got.Processors != 1 || got.All != runtime.NumCPU() {
		t.Errorf("the runtime uses %d processors, and then %d, want 1 and %d", got.Processors, got.All, runtime.NumCPU())
	}
}

// printed is what testdata/attributes prints.
type printed struct {
	Processors, All int
	OpenFiles       uint64
	First, Other    string
}

func build(t *testing.T, linker ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "attributes")
	out, err := exec.Command("go", "build", "-ldflags", strings.Join(linker, " "), "-o", program, "./testdata/attributes").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// run starts the program from a shell that has carried out a script.
func run(t *testing.T, script, program string) (got printed) {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script+"; exec "+program).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return got
}

// processors returns this process's line of /proc/PID/status, with one space.
func processors(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "Cpus_allowed_list") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	t.Fatal("no processors in /proc/self/status")
	return ""
}
