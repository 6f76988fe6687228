// SPDX-License-Identifier: Apache-2.0

package nsplugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

// limit limits how many processes the command may have; see
// Documentation/admin-guide/cgroup-v2.rst of the kernel, "PID".
type limit struct {
	Max  int    `option:"max-procs" help:"how many processes the command may have" default:"100"`
	Root string `option:"cgroup-root" help:"where cgroup v2 is mounted" default:"/sys/fs/cgroup" type:"path"`
}

func (*limit) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "limit", Version: "1.0.0", Summary: "limits the number of processes"}
}

func (l *limit) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	if l.Max < 1 {
		return nil, nsplugin.Errorf("limit processes to %d: the command itself is one", l.Max).
			WithOption("max-procs").WithHint("--max-procs 1, or more")
	}
	return &ns.Offer{Hooks: []ns.Point{ns.PreExec, ns.PostExec}}, nil
}

// group is named by the run, so that PostExec finds it without any state.
func (l *limit) group(run string) string { return filepath.Join(l.Root, "nsrun-"+run) }

func (l *limit) PreExec(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	group := l.group(req.RunID)
	if err := os.Mkdir(group, 0o755); err != nil {
		return nil, nsplugin.Errorf("make cgroup: %w", err)
	}
	if err := write(group, "pids.max", l.Max); err != nil {
		return nil, err
	}
	return nil, write(group, "cgroup.procs", req.PID)
}

func (l *limit) PostExec(_ context.Context, req *ns.HookRequest) error {
	err := os.Remove(l.group(req.RunID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nsplugin.Errorf("remove cgroup: %w", err)
	}
	return nil
}

func write(group, file string, value int) error {
	err := os.WriteFile(filepath.Join(group, file), []byte(strconv.Itoa(value)), 0o644)
	if err != nil {
		return nsplugin.Errorf("limit processes: %w", err)
	}
	return nil
}

// A plugin with work on the host: PreExec does it, PostExec undoes it.
func ExampleMain() {
	nsplugin.Main(&limit{})
}

func TestLimit(t *testing.T) {
	nstest.Test(t, &limit{}, nstest.Case{
		Name:     "no process at all",
		Settings: []ns.Setting{{Option: "max-procs", Args: []string{"0"}}},
		Refused:  "--max-procs 1",
	})
}

// TestLimitHooks stands a directory in for the cgroup file system. Files in it
// go only with a real cgroup, so PostExec is given an empty one.
func TestLimitHooks(t *testing.T) {
	root := t.TempDir()
	p := nstest.Start(t, &limit{})
	req := &ns.HookRequest{Point: ns.PreExec, RunID: "r1", PID: 42, Request: ns.Request{
		Settings: []ns.Setting{{Option: "cgroup-root", Args: []string{root}}, {Option: "max-procs", Args: []string{"7"}}},
	}}
	if reply := p.Hook(req); reply.Diagnostics != nil {
		t.Fatal(reply.Diagnostics)
	}
	group := filepath.Join(root, "nsrun-r1")
	for file, want := range map[string]string{"pids.max": "7", "cgroup.procs": "42"} {
		got, err := os.ReadFile(filepath.Join(group, file))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", file, got, err, want)
		}
		os.Remove(filepath.Join(group, file))
	}
	req.Point = ns.PostExec
	if reply := p.Hook(req); reply.Diagnostics != nil {
		t.Error(reply.Diagnostics)
	}
	if _, err := os.Stat(group); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the group is still there: %v", err)
	}
}

// A refusal says what was tried, why it failed, and what to type instead.
func ExampleErrorf() {
	err := nsplugin.Errorf("open %s: %w", "/etc/limits", fs.ErrNotExist).
		WithOption("limits").WithDetail("the file names the limits of each group").WithHint("--limits FILE, with a file that exists")
	fmt.Println("nsrun: limit:", err)
	fmt.Println("  cause:", err.Detail)
	fmt.Println("  try:  ", err.Hint)
	// Output:
	// nsrun: limit: open /etc/limits: file does not exist
	//   cause: the file names the limits of each group
	//   try:   --limits FILE, with a file that exists
}

// Steps are data: they can be printed, compared and tested.
func ExampleIfExists() {
	steps := []ns.Step{
		nsplugin.Tmpfs("/work", "size=64m,mode=1777", ns.NoSUID, ns.NoDev),
		nsplugin.IfExists(nsplugin.Bind("/opt/tools", "/work/tools", ns.ReadOnly)),
		nsplugin.Inside(nsplugin.Symlink("/work/tools/bin", "/work/bin")),
	}
	for _, s := range steps {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
	// Output:
	// {"op":"mount","target":"/work","fsType":"tmpfs","attrs":["nosuid","nodev"],"data":"size=64m,mode=1777"}
	// {"op":"bind","source":"/opt/tools","target":"/work/tools","attrs":["ro"],"ifExists":true}
	// {"op":"symlink","phase":"inside","target":"/work/bin","data":"/work/tools/bin"}
}
