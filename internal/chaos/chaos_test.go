// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKilledRunsLeaveNothing is the short tier of make chaos: the verdict is the
// program's own.
func TestKilledRunsLeaveNothing(t *testing.T) {
	chaos(t, "-kills", "1", "-crowd", "20", "-step", "0", "-peers=false")
}

// TestNothingGrowsWithRuns is the short tier of make soak.
func TestNothingGrowsWithRuns(t *testing.T) {
	runs := "10"
	if os.Getenv("NSRUN_TEST_LONG") == "1" {
		runs = "200"
	}
	chaos(t, "-soak", runs)
}

// TestNothingGrowsAtRest is the short tier of make at-rest.
func TestNothingGrowsAtRest(t *testing.T) {
	chaos(t, "-rest", "5s", "-sandboxes", "8")
}

// chaos runs the program, which must end well.
func chaos(t *testing.T, args ...string) {
	t.Helper()
	_, err := os.Stat("../../bin/nsrun")
	if os.Getuid() != 0 || err != nil {
		if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
			t.Fatal("needs root and make build:", err)
		}
		t.Skip("needs root and make build")
	}
	out, err := exec.Command("../../scripts/chaos", args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

func TestVerdictIsForOurLeaksAlone(t *testing.T) {
	late := row{ours: true, tally: tally{Kills: 3, Survivors: 2, Late: 4}}
	theirs := row{tally: tally{Left: 7}}
	if err := (&table{rows: []*row{&late, &theirs}}).verdict(); err != nil {
		t.Error(err)
	}
	for _, bad := range []row{{ours: true, tally: tally{Left: 1}}, {ours: true, tally: tally{Hangs: 1}}} {
		if (&table{rows: []*row{&bad}}).verdict() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// TestJobsAreAllThatIsAskedFor adds up the jobs of each row.
func TestJobsAreAllThatIsAskedFor(t *testing.T) {
	const kills, step = 50, 3
	times, calls := map[string]int{}, map[int]bool{}
	for _, j := range (config{kills: kills, step: step, only: "root net"}).jobs() {
		times[j.Way] += j.Times
		if j.Way == "SIGKILL at each call" {
			for n := j.First; n <= 1000; n += j.Stride {
				calls[n] = true
			}
		}
	}
	if n := times["of init"]; n != kills {
		t.Errorf("%d kills of init, want %d", n, kills)
	}
	for n := 1; n <= 1000; n += step {
		if !calls[n] {
			t.Fatalf("call %d is left out", n)
		}
	}
	if want := 1 + 999/step; len(calls) != want {
		t.Errorf("%d calls, want %d", len(calls), want)
	}
}

func TestWhoSoaksOrRestsKillsNobody(t *testing.T) {
	soaks := config{kills: 1, step: 1, crowd: 1, peers: true, soak: 3}.jobs()
	rests := config{kills: 1, step: 1, crowd: 1, peers: true, rest: time.Minute, sandboxes: 4}.jobs()
	for _, j := range soaks {
		if j.Way != (soak{}).name() || j.Times != 3 {
			t.Errorf("to soak, there is %+v", j)
		}
	}
	if len(soaks) != 4 || len(rests) != 1 {
		t.Fatalf("%d jobs to soak, %d to rest", len(soaks), len(rests))
	}
	if j := rests[0]; j.Way != (rest{}).name() || j.Times != 4 || j.Rest != time.Minute {
		t.Errorf("to rest, there is %+v", j)
	}
}

func TestSweepsComeLast(t *testing.T) {
	all := config{kills: 1, step: 1, crowd: 1, peers: true}.jobs()
	first := slices.IndexFunc(all, func(j job) bool { return j.Stride > 0 })
	for _, j := range all[first:] {
		if j.Stride == 0 {
			t.Errorf("%s, %s comes after a sweep", j.Victim, j.Way)
		}
	}
}

// TestTableHasARowWhenItIsWhole looks at what is printed meanwhile, and at what is when
// the rest is cut short.
func TestTableHasARowWhenItIsWhole(t *testing.T) {
	var out strings.Builder
	table := table{out: &out}
	first, second := job{Victim: "a", Way: "x"}, job{Victim: "b", Way: "y"}
	table.expect([]job{first, first, second})
	for _, want := range []string{"", "a x 2"} {
		table.add(first, tally{Kills: 1})
		table.done(first)
		if got := firstWords(out.String()); got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
	table.add(second, tally{Kills: 5})
	out.Reset()
	table.close()
	if got := firstWords(out.String()); got != "b y (cut short) 5" {
		t.Errorf("printed %q of a row that was cut short", got)
	}
}

// firstWords returns the first line up to the first number.
func firstWords(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	i := slices.IndexFunc(fields, func(w string) bool { return w[0] >= '0' && w[0] <= '9' })
	return strings.Join(fields[:i+1], " ")
}

// TestWhatGrowsIsNamed has gauges that stay, that grow at the beginning only, that have one
// sample taken at a bad moment, and that grow.
func TestWhatGrowsIsNamed(t *testing.T) {
	var r row
	for i := range 100 {
		odd := 0
		if i == 95 {
			odd = 7
		}
		r.Samples = append(r.Samples, sample{i + 1, map[string]int{"mounts": 5, "links": min(i, 8), "sockets": odd, "files": i / 20}})
	}
	err := soaking.steady([]*row{&r})
	if want := "files grew from 0 to 4 in 100 runs"; err == nil || !strings.HasSuffix(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("got %v, want %s alone", err, want)
	}
	if err := soaking.steady([]*row{{}}); err != nil {
		t.Errorf("without samples: %v", err)
	}
}

func TestFamilyIsWhoComesFromAProcess(t *testing.T) {
	cmd := exec.Command("bash", "-c", "(exec -a /x/nsrun-plugin-y sleep 60) & echo up; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	a, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	d := death{of: []role{plugin}}
	for end := time.Now().Add(30 * time.Second); d.strike(cmd.Process.Pid) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no plugin in %v", family(cmd.Process.Pid, cmd.Process.Pid))
		}
	}
	var ignored tally
	if err := a.outlast(time.Minute, &ignored); err != nil {
		t.Errorf("the front died as well: %v", err)
	}
}

// TestReaperIsKnownWhileItUndoes has one as it is when it has executed nsrun anew.
func TestReaperIsKnownWhileItUndoes(t *testing.T) {
	a, err := start(exec.Command("bash", "-c", "exec -a nsrun-reaper sleep 10"))
	if err != nil {
		t.Fatal(err)
	}
	d := death{of: []role{reaper}}
	for !a.endsWithin(time.Millisecond) && d.strikeBelow(a.pid(), 0) == 0 {
	}
	var ignored tally
	if err := a.outlast(10*time.Second, &ignored); err == nil || ignored.Hangs > 0 {
		t.Errorf("it wasn't killed: %v, %d hangs", err, ignored.Hangs)
	}
}
