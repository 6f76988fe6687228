// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// kills is how many runs are killed. Each is a run of real CNI plugins.
const kills = 100

// TestKilledRunsLeaveNothing kills nsrun at random moments of a run with a CNI
// bridge and a published port. The command and the plugins must be gone at once,
// and everything else after one gc.
func TestKilledRunsLeaveNothing(t *testing.T) {
	requireRoot(t)
	host := newAlone(t)
	host.run(t, "nsrun --plugins pid,net,mount true") // makes the bridge, warms the cache
	whole := host.timed(t, "nsrun --plugins pid,net,mount -p 18099:80 true")
	before := host.run(t, snapshot)
	reached := 0
	for range kills {
		delay := time.Duration(rand.Int64N(int64(whole * 6 / 5)))
		if host.kill(t, delay, "nsrun --plugins pid,net,mount -p 18099:80 sleep 5151") {
			reached++
		}
	}
	if out := host.run(t, "sleep 0.5; pgrep -fa '^sleep [5]151' || true"); out != "" {
		t.Errorf("alive after the kill:\n%s", out)
	}
	// The reapers have plugins of their own at work.
	const settled = "for i in $(seq 300); do pgrep -fa '[n]srun-(plugin|host|reaper)' >/dev/null || exit 0; sleep 0.1; done; pgrep -fa '[n]srun-(plugin|host|reaper)'"
	if out := host.run(t, settled); out != "" {
		t.Errorf("at work after 30 s:\n%s", out)
	}
	host.run(t, "nsctl gc")
	if after := host.run(t, snapshot); after != before {
		t.Errorf("left after gc:\n%s\n--- want ---\n%s", after, before)
	}
	if reached < kills/4 {
		t.Errorf("only %d of %d kills hit a run in the middle: the test shows nothing", reached, kills)
	}
}

// snapshot prints all that a run could leave: links, rules, leases, pins, runs.
const snapshot = `
ip -o link show type veth
ip -o link show type bridge | cut -d' ' -f2
nft list ruleset | grep -E 'dnat|saddr|comment' || true
find /run/nsrun -mindepth 1 -not -path '*/cache*' -not -name 'lock*' -not -name 'last_reserved*' | grep -E 'runs/|/p/.|[0-9]+\.[0-9]+\.' || true
grep nsfs /proc/self/mountinfo || true
ls /proc/sys/net/ipv4/conf | grep veth || true
`

// alone is a private host that lives as long as the test.
type alone struct{ pid string }

func newAlone(t *testing.T) *alone {
	t.Helper()
	cmd := exec.Command(toolDir()+"/alone", "sh", "-c", "echo; while sleep 1; do :; done")
	cmd.Env = hostEnv()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	// Before it says something, its mounts aren't there.
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the private host did not start: %v", err)
	}
	return &alone{pid: childOf(t, cmd.Process.Pid)}
}

// childOf waits for the command of a private host and returns its process id.
func childOf(t *testing.T, parent int) string {
	t.Helper()
	for range 200 {
		out, _ := exec.Command("pgrep", "-P", strconv.Itoa(parent)).Output()
		if pid := strings.TrimSpace(string(out)); pid != "" {
			return pid
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the private host did not start")
	return ""
}

func hostEnv() []string {
	return []string{"PATH=" + binDir + ":" + binDir + "/test:" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "HOME=/"}
}

// command returns a command that runs script inside.
func (a *alone) command(script string) *exec.Cmd {
	cmd := exec.Command("nsenter", "-t", a.pid, "-n", "-m", "-p", "-i", "sh", "-c", script)
	cmd.Env = hostEnv()
	return cmd
}

func (a *alone) run(t *testing.T, script string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := a.command(script)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, &stdout, &stderr)
	}
	return stdout.String()
}

// timed returns how long script takes.
func (a *alone) timed(t *testing.T, script string) time.Duration {
	t.Helper()
	start := time.Now()
	a.run(t, script)
	return time.Since(start)
}

// kill starts nsrun inside, kills it after a while, and reports whether it was
// still alive then.
func (a *alone) kill(t *testing.T, after time.Duration, script string) bool {
	t.Helper()
	// nsenter forks for the pid namespace; the process to kill is its child.
	cmd := a.command("echo $$; exec " + script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := make([]byte, 16)
	n, _ := out.Read(pid)
	time.Sleep(after)
	alive := a.command("kill -KILL "+string(pid[:n])).Run() == nil
	cmd.Wait()
	return alive
}
