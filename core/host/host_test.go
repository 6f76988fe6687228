// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

func TestCalls(t *testing.T) {
	h, p, ctx := newHost(t), bad(t, "good"), context.Background()
	d, err := h.Describe(ctx, p)
	if err != nil || d.Name != "bad-good" {
		t.Errorf("Describe = %+v, %v", d, err)
	}
	if _, err := negotiate(h, p); err != nil {
		t.Errorf("Negotiate: %v", err)
	}
	reply, err := h.Hook(ctx, p, &ns.HookRequest{Plugin: p.Name, Point: ns.PreExec})
	if err != nil || string(reply.State) != "state" {
		t.Errorf("Hook = %+v, %v", reply, err)
	}
	ds, err := h.Check(ctx, p, ns.Facts{})
	if err != nil || len(ds) != 1 || ds[0].Plugin != "bad-good" {
		t.Errorf("Check = %+v, %v", ds, err)
	}
}

func TestOneProcessServesAllCalls(t *testing.T) {
	h, p := newHost(t), bad(t, "pid")
	pids := make([]string, 8)
	var calls sync.WaitGroup
	for i := range pids {
		calls.Go(func() {
			if offer, err := negotiate(h, p); err == nil {
				pids[i] = offer.Env[0].Value
			}
		})
	}
	calls.Wait()
	slices.Sort(pids)
	if got := slices.Compact(pids); len(got) != 1 || got[0] == "" {
		t.Errorf("pids are %q, want one", got)
	}
}

func TestKilledPluginIsStartedAnew(t *testing.T) {
	h, p := newHost(t), bad(t, "pid")
	first := answerOf(t, h, p)
	pid, _ := strconv.Atoi(first)
	i := h.running[p]
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-i.ctx.Done() // the host has noticed
	if second := answerOf(t, h, p); second == first {
		t.Errorf("still process %s", second)
	}
}

func TestPluginReadsNothingOfTheCaller(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fmt.Fprintln(w, "secret")
	w.Close()
	stdin := os.Stdin
	os.Stdin = r
	defer func() { os.Stdin = stdin }()

	if got := answerOf(t, newHost(t), bad(t, "stdin")); got != "" {
		t.Errorf("the plugin read %q from standard input", got)
	}
	rest := make([]byte, 64)
	if n, _ := r.Read(rest); string(rest[:n]) != "secret\n" {
		t.Errorf("left for the command: %q", rest[:n])
	}
}

func TestPluginGetsAllowedVariablesOnly(t *testing.T) {
	t.Setenv("NSRUN_SECRET", "hunter2")
	t.Setenv("LD_LIBRARY_PATH", "/evil")
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("PATH", "relative::"+os.Getenv("PATH"))
	env := strings.Split(answerOf(t, newHost(t), bad(t, "environ")), "\n")
	var names []string
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		names = append(names, name)
		if name == "PATH" && !strings.HasPrefix(value, "/") {
			t.Errorf("PATH=%s has what isn't absolute", value)
		}
	}
	allowed := append([]string{
		"NSRUN_PLUGIN", "NSRUN_LIFELINE", "NSRUN_LOG_LEVEL",
		"PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR",
	}, "HOME", "LANG", "LC_ALL", "PATH", "TZ")
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			t.Errorf("the plugin sees %s", name)
		}
	}
	if !slices.Contains(names, "LANG") || !slices.Contains(names, "PATH") {
		t.Errorf("the plugin sees only %v", names)
	}
}

func TestPluginRunsApart(t *testing.T) {
	if got, want := answerOf(t, newHost(t), bad(t, "place")), "dir=/ leader=true"; got != want {
		t.Errorf("plugin runs in %q, want %q", got, want)
	}
}

// TestPluginCannotBeSwapped makes a symbolic link that is a plugin's name point
// to another program while the plugin is being started. Whatever happens, the
// other program never runs.
func TestPluginCannotBeSwapped(t *testing.T) {
	dir, err := os.MkdirTemp(bin, "swap-")
	if err != nil {
		t.Fatal(err)
	}
	marker := filepath.Join(dir, "evil-ran")
	path, other := filepath.Join(dir, ns.BinaryPrefix+"bad-exit0"), filepath.Join(dir, "other")
	script := fmt.Sprintf("#!/bin/sh\n: > %s\n", marker)
	if err := errors.Join(
		os.Symlink(filepath.Join(bin, "badplugin"), path),
		os.WriteFile(filepath.Join(dir, "evil"), []byte(script), 0o755),
		os.Symlink("evil", other),
	); err != nil {
		t.Fatal(err)
	}
	p := found(t, path)
	const swaps = 100
	stop := swap(path, other)
	h := newHost(t, func(c *Config) { c.Deadlines = patient })
	ran := 0
	for range swaps {
		_, err := h.Describe(context.Background(), p)
		if d, ok := errors.AsType[*ns.Diagnostic](err); ok && strings.Contains(d.Summary, "exited with status 0") {
			ran++
		}
	}
	stop()
	if _, err := os.Stat(marker); err == nil {
		t.Error("the other program ran")
	}
	if ran == 0 {
		t.Error("the plugin never ran")
	}
	t.Logf("the plugin ran in %d of %d starts; the others were refused", ran, swaps)
}

// swap exchanges the two files again and again until the function that it
// returns is called.
func swap(a, b string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
			}
		}
	}()
	return func() { close(done); <-ended }
}

func TestCloseIsQuickWithPluginsThatWontStop(t *testing.T) {
	h := newHost(t)
	for _, mode := range []string{"good", "deaf", "daemon", "pid"} {
		if _, err := negotiate(h, bad(t, mode)); err != nil {
			t.Fatal(err)
		}
	}
	stopped := h.running[bad(t, "pid")]
	if err := syscall.Kill(stopped.proc.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	h.Close()
	if took := time.Since(begin); took > grace+slack {
		t.Errorf("Close took %s", took)
	}
	if _, err := negotiate(h, bad(t, "good")); err == nil || !strings.Contains(err.Error(), "is closed") {
		t.Errorf("call after Close: %v", err)
	}
}

func TestCloseEndsAStartUnderWay(t *testing.T) {
	h := newHost(t)
	failed := make(chan error)
	go func() {
		_, err := negotiate(h, bad(t, "silent"))
		failed <- err
	}()
	waitFor(t, "the plugin to run", func() bool { return len(processes(h.cfg.Dir)) > 0 })
	begin := time.Now()
	h.Close()
	err := <-failed
	if took := time.Since(begin); took > slack {
		t.Errorf("Close took %s", took)
	}
	if err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("call under way: %v, want that it was stopped", err)
	}
}

func TestCancelReachesACall(t *testing.T) {
	h := newHost(t)
	p := bad(t, "hang")
	if _, err := h.Describe(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	begin := time.Now()
	_, err := h.Negotiate(ctx, p, request(p))
	if took := time.Since(begin); took > slack-time.Second {
		t.Errorf("returned after %s", took)
	}
	if err == nil || !strings.Contains(err.Error(), "negotiate: stopped") {
		t.Errorf("error is %v, want that it was stopped", err)
	}
}

func TestSocketDirectoryMustBePrivate(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, link, dir + "/gone", "relative", ""} {
		if _, err := New(Config{Dir: dir}); err == nil {
			t.Errorf("New takes the directory %q", dir)
		}
	}
}

func TestLongSocketDirectoryIsReported(t *testing.T) {
	h := newHost(t)
	h.cfg.Dir = filepath.Join(h.cfg.Dir, strings.Repeat("d", 80))
	if err := os.Mkdir(h.cfg.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(h.cfg.Dir)
	_, err := negotiate(h, bad(t, "good"))
	wantDiagnostic(t, err, "good", "the path of the socket directory is longer", "unix(7)")
}

func TestWhatCannotBeExecutedIsReported(t *testing.T) {
	dir, err := os.MkdirTemp(bin, "exec-")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ content, summary, detail string }{
		{"not a program", "exec format error", "neither a program for this machine nor a script"},
		{"#!/no/such/interpreter\n", "no such file or directory", "interpreter or loader"},
		{"#!/bin/sh\necho hello from $0\n", "printed \"hello from /proc/self/fd/", ""},
	}
	for n, tt := range tests {
		name := fmt.Sprintf("bad-x%d", n)
		path := filepath.Join(dir, ns.BinaryPrefix+name)
		if err := os.WriteFile(path, []byte(tt.content), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := negotiate(newHost(t), found(t, path))
		d, ok := errors.AsType[*ns.Diagnostic](err)
		if !ok || !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Detail, tt.detail) {
			t.Errorf("%q: %v", tt.content, err)
		}
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for " + what)
		}
	}
}
