// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// BenchmarkWholeProcess starts true in new pid, ipc, uts and mount namespaces
// with a fresh /proc, under a small front and under other tools, in turn, so
// that whatever else the machine does hits all of them. It reports the medians
// in milliseconds.
func BenchmarkWholeProcess(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root")
	}
	contenders := map[string][]string{
		"front":   {buildFront(b), "/bin/true"},
		"unshare": {"unshare", "--fork", "--pid", "--ipc", "--uts", "--mount", "--mount-proc", "/bin/true"},
		"bwrap":   {"bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--dev-bind", "/", "/", "--proc", "/proc", "/bin/true"},
		"true":    {"/bin/true"},
	}
	times := map[string][]time.Duration{}
	for b.Loop() {
		for name, argv := range contenders {
			if d, ok := timed(b, argv); ok {
				times[name] = append(times[name], d)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for name, all := range times {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, name+"-ms")
	}
}

func buildFront(b *testing.B) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "front")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./testdata/front")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return file
}

// timed runs a command, and reports how long that took, and whether it is there.
func timed(b *testing.B, argv []string) (time.Duration, bool) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, false
	}
	start := time.Now()
	if out, err := exec.Command(path, argv[1:]...).CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return time.Since(start), true
}

func BenchmarkCompile(b *testing.B) {
	cfg := Config{Host: host, Kinds: allKinds, Command: Command{Argv: []string{"true"}, Env: []string{"PATH=/usr/bin:/bin"}}, Steps: plan(
		private, rootfs("/srv/root"), bind("/usr", "/usr", ns.ReadOnly), tmp, proc, pivot, ns.Step{Op: ns.OpInit},
	)}
	for b.Loop() {
		prog, err := Compile(cfg)
		if err != nil {
			b.Fatal(err)
		}
		_ = prog.code.Image(1 << 40)
	}
}
