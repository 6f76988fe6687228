// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// bin is the directory of badplugin, "" if it couldn't be built.
var bin string

// TestMain builds badplugin once, in a directory that the rules of trust allow,
// which one below /tmp isn't. As "host" the test binary is a plugin host to kill.
func TestMain(m *testing.M) {
	if os.Getenv(envMeasured) != "" {
		measured()
		return
	}
	if os.Getenv(envVictim) != "" {
		victim()
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	home, err := os.UserHomeDir()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no home directory:", err)
		return 1
	}
	dir, err := os.MkdirTemp(home, "nsrun-host-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "badplugin"), "github.com/nsrun/nsrun/internal/badplugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build badplugin: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.Run()
}

// bad returns the plugin that misbehaves in this way.
func bad(t testing.TB, mode string) find.Plugin {
	t.Helper()
	path := filepath.Join(bin, ns.BinaryPrefix+"bad-"+mode)
	err := os.Symlink("badplugin", path)
	if err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return found(t, path)
}

func found(t testing.TB, path string) find.Plugin {
	t.Helper()
	p, err := find.Find(path, find.Dirs{UID: os.Geteuid()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newHost returns a host, and makes sure at the end of the test that closing it
// leaves no process and no socket.
func newHost(t testing.TB, configure ...func(*Config)) *Host {
	t.Helper()
	dir, err := os.MkdirTemp("", "nsrun-h-")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(testLog{t, &sync.Mutex{}}, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	for _, f := range configure {
		f(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Close()
		wantEmpty(t, dir)
		os.RemoveAll(dir)
		wantNoProcess(t, dir)
	})
	return h
}

// testLog writes to the test's log.
type testLog struct {
	t  testing.TB
	mu *sync.Mutex
}

func (l testLog) Write(p []byte) (int, error) {
	l.t.Helper()
	l.t.Log(cut(strings.TrimSpace(string(p)), 300))
	return len(p), nil
}

func wantEmpty(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s/%s", dir, e.Name())
	}
}

// wantNoProcess waits until no plugin of the host with this directory runs, and
// nothing that one has started.
func wantNoProcess(t testing.TB, dir string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		pids := processes(dir)
		if len(pids) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("processes %v are left", pids)
			return
		}
	}
}

// processes returns the pids of the plugins of the host with this directory, and
// of what they have started: all have inherited the path of a socket directory.
func processes(dir string) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if strings.Contains(string(environ), "PLUGIN_UNIX_SOCKET_DIR="+dir+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func negotiate(h *Host, p find.Plugin) (*ns.Offer, error) {
	return h.Negotiate(context.Background(), p, request(p))
}

func request(p find.Plugin) *ns.Request { return &ns.Request{Plugin: p.Name} }

// answerOf returns what the plugin told in its offer.
func answerOf(t *testing.T, h *Host, p find.Plugin) string {
	t.Helper()
	offer, err := negotiate(h, p)
	if err != nil {
		t.Fatal(err)
	}
	return offer.Env[0].Value
}
