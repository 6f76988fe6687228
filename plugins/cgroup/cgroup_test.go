// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func text(settings []setting) string {
	var words []string
	for _, s := range settings {
		words = append(words, s.file+"="+s.value)
	}
	return strings.Join(words, ", ")
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		plugin cgroup
		v1, v2 string
	}{
		{cgroup{Memory: "64m"}, "memory.limit_in_bytes=67108864, memory.memsw.limit_in_bytes=67108864", "memory.max=67108864, memory.swap.max=0"},
		{cgroup{CPUs: "0.5"}, "cpu.cfs_period_us=100000, cpu.cfs_quota_us=50000", "cpu.max=50000 100000"},
		{cgroup{CPUs: "2"}, "cpu.cfs_period_us=100000, cpu.cfs_quota_us=200000", "cpu.max=200000 100000"},
		{cgroup{Pids: "20"}, "pids.max=20", "pids.max=20"},
	} {
		limits, err := c.plugin.limits()
		if err != nil || len(limits) != 1 {
			t.Fatalf("%+v: %v, %v", c.plugin, limits, err)
		}
		if d := cmp.Diff([]string{c.v1, c.v2}, []string{text(limits[0].v1), text(limits[0].v2)}); d != "" {
			t.Errorf("%+v (-want +got):\n%s", c.plugin, d)
		}
	}
}

func TestBadLimitsAreAllTold(t *testing.T) {
	for _, bad := range []cgroup{
		{Memory: "x"}, {Memory: "0"}, {Memory: "-1"}, {Memory: "1mm"}, {Memory: "9999999999t"}, {Memory: "m"}, {CPUs: "0"}, {CPUs: "nan"}, {CPUs: "-1"}, {CPUs: "inf"},
		{Pids: "0"}, {Pids: "-1"}, {Pids: "max"}, {ReadBPS: []string{"/dev/null:1m"}}, {WriteBPS: []string{"1m"}}, {WriteBPS: []string{"/no/such:1m"}},
	} {
		if limits, err := bad.limits(); err == nil {
			t.Errorf("%+v became %+v", bad, limits)
		}
	}
	_, err := (&cgroup{Memory: "x", CPUs: "0", Pids: "0"}).limits()
	if ds := ns.Diagnose(err); len(ds) != 3 || ds[0].Hint == "" {
		t.Errorf("got %v, want all three", ds)
	}
}

const mounts = `30 1 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 1 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 1 0:28 /docker/x /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
`

func TestWhereAGroupOfVersion1Lies(t *testing.T) {
	for _, c := range []struct{ at, controller, want string }{
		{"/user", "memory", "/sys/fs/cgroup/memory/user"}, {"/", "cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
		{"/docker/x/y", "pids", "/sys/fs/cgroup/pids/y"}, {"/docker/x", "pids", "/sys/fs/cgroup/pids"},
		{"/elsewhere", "pids", ""}, {"/", "blkio", ""},
	} {
		if got := dirOf(c.at, mounts, "cgroup", c.controller); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.controller, c.at, got, c.want)
		}
	}
}

// A hierarchy of version 2 as files of a directory: what is handed down decides.
func TestVersion2IsUsedWhereItIsHandedDown(t *testing.T) {
	root := t.TempDir()
	own := filepath.Join(root, "slice", "scope")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(dir, file, value string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{own, filepath.Dir(own)} {
		put(dir, "cgroup.type", "domain\n")
		put(dir, "cgroup.controllers", "memory pids\n")
		put(dir, "cgroup.subtree_control", "\n")
	}
	mount := "40 1 0:30 / " + root + " rw - cgroup2 cgroup2 rw\n"
	if _, why := find("memory", "0::/slice/scope\n", mount); !strings.HasPrefix(why, notDelegated) {
		t.Errorf("nothing is handed down: %q", why)
	}
	put(filepath.Dir(own), "cgroup.subtree_control", "memory pids\n")
	if g, why := find("memory", "0::/slice/scope\n", mount); why != "" || g.dir != filepath.Dir(own) || !g.v2 {
		t.Errorf("beside the caller's: %+v, %q", g, why)
	}
	if _, why := find("cpu", "0::/slice/scope\n", mount); !strings.HasPrefix(why, notDelegated) {
		t.Errorf("cpu: %q", why)
	}
}

func TestWhatCannotBeDoneIsRefusedWithTheReason(t *testing.T) {
	limits, err := (&cgroup{Memory: "1m", Pids: "3"}).limits()
	if err != nil {
		t.Fatal(err)
	}
	_, err = placeIn(limits, "0::/\n", "")
	ds := ns.Diagnose(err)
	if len(ds) != 2 || ds[0].Option != "memory" || ds[0].Detail != notMounted || ds[0].Hint == "" {
		t.Errorf("got %v", ds)
	}
}

// The whole life of a group, with a process that would outlive the run.
func TestAGroupTakesItsProcessesWithIt(t *testing.T) {
	p := &cgroup{Pids: "10"}
	if limits, _ := p.limits(); len(limits) > 0 {
		if _, err := place(limits); err != nil {
			if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
				t.Fatal(err)
			}
			t.Skip("needs the pids controller: ", err)
		}
	}
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleeper.Process.Kill()
	req := &ns.HookRequest{RunID: "test" + filepath.Base(t.TempDir()), PID: sleeper.Process.Pid, StateDir: t.TempDir()}
	reply, err := p.PreExec(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	dir := reply.Results["cgroup pids"]
	if max, err := os.ReadFile(dir + "/pids.max"); string(max) != "10\n" {
		t.Errorf("pids.max: %q, %v", max, err)
	}
	for range 2 {
		if err := p.PostExec(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is still there", dir)
	}
	if err := sleeper.Wait(); err == nil {
		t.Error("the process outlived the group")
	}
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &cgroup{}, nstest.Case{Name: "bad", Settings: []ns.Setting{{Option: "memory", Args: []string{"x"}}}, Refused: "--memory x"})
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for option := range controllerOf {
			if !strings.Contains(string(text), "`--"+option) {
				t.Errorf("%s says nothing of --%s", page, option)
			}
		}
	}
}
