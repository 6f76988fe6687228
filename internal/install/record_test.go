// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/lock"
	"github.com/nsrun/nsrun/ns"
)

// recorded puts a file named as a plugin into a new directory of the caller's own,
// and records it.
func recorded(t *testing.T) (dir string, c find.Candidate) {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = os.MkdirTemp(home, "nsrun-install-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c = find.Candidate{Name: "one", Path: filepath.Join(dir, ns.BinaryPrefix+"one"), Trusted: true}
	write(t, c.Path, "first")
	record(t, dir, Plugin{Path: c.Path, SHA256: sumOf("first"), Descriptor: &ns.Descriptor{Name: "one", Version: "1.0"}})
	return dir, c
}

func record(t *testing.T, dir string, p Plugin) {
	t.Helper()
	file, err := readRecord(dir)
	if err == nil {
		err = update(file, dir, []Plugin{p})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// sumOf stands for a SHA-256: it is as long, and another one for another text.
func sumOf(text string) string {
	return strings.Repeat("0", 64-2*len(text)) + strings.Repeat("ab", len(text))
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, dir string, c *find.Candidate)
		want   Trust
		reason string
	}{
		{"as it was", func(*testing.T, string, *find.Candidate) {}, Installed, ""},
		{"touched", func(t *testing.T, _ string, c *find.Candidate) { write(t, c.Path, "first") }, Installed, ""},
		{"another content", func(t *testing.T, _ string, c *find.Candidate) { write(t, c.Path, "second") }, Changed, "recorded: 1.0 " + sumOf("first") + ", found: " + sumOf("second")},
		{"another name", func(_ *testing.T, _ string, c *find.Candidate) { c.Name = "two" }, Unrecorded, ""},
		{"no record", func(t *testing.T, dir string, _ *find.Candidate) { os.Remove(RecordPath(dir)) }, Unrecorded, ""},
		{"untrusted", func(_ *testing.T, _ string, c *find.Candidate) { c.Trusted, c.Reason = false, "why" }, Untrusted, "why"},
		{"a record that isn't one", func(t *testing.T, dir string, _ *find.Candidate) { write(t, RecordPath(dir), "version = 1\nx = 2\n") }, Unknown, "/nsrun.lock:2: x: is no key"},
		{"a record of others", func(t *testing.T, dir string, _ *find.Candidate) { os.Chmod(RecordPath(dir), 0o666) }, Unknown, "can be written by others"},
		{"a pipe for a record", func(t *testing.T, dir string, _ *find.Candidate) {
			os.Remove(RecordPath(dir))
			unix.Mkfifo(RecordPath(dir), 0o644)
		}, Unknown, "named pipe"},
		{"a huge record", func(t *testing.T, dir string, _ *find.Candidate) { os.Truncate(RecordPath(dir), maxRecord+1) }, Unknown, "larger than 1048576 bytes"},
		{"what can't be read", func(t *testing.T, _ string, c *find.Candidate) { os.Remove(c.Path) }, Unknown, "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, c := recorded(t)
			tt.change(t, dir, &c)
			got, reason := Judge(context.Background(), c, func(context.Context) (string, error) {
				text, err := os.ReadFile(c.Path)
				return sumOf(string(text)), err
			})
			if got != tt.want || !strings.Contains(reason, tt.reason) || (reason == "") != (tt.reason == "") {
				t.Errorf("%s, %q; want %s, %q", got, reason, tt.want, tt.reason)
			}
		})
	}
}

func TestTheDigestIsTakenOnlyOfWhatWasTouched(t *testing.T) {
	_, c := recorded(t)
	got, reason := Judge(context.Background(), c, func(context.Context) (string, error) { return "", errors.New("taken") })
	if got != Installed {
		t.Errorf("%s, %s", got, reason)
	}
}

func TestTheRecordForgetsWhatIsGone(t *testing.T) {
	dir, c := recorded(t)
	os.Remove(c.Path)
	two := filepath.Join(dir, ns.BinaryPrefix+"two")
	write(t, two, "2")
	record(t, dir, Plugin{Path: two, SHA256: sumOf("2"), Descriptor: &ns.Descriptor{Name: "two", Version: "2"}})
	file, err := lock.Read(RecordPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, there := file.Plugins["one"]; there || len(file.Plugins) != 1 {
		t.Errorf("recorded are %v", file.Plugins)
	}
}

func TestABrokenRecordKeepsAllFromBeingInstalled(t *testing.T) {
	dir, _ := recorded(t)
	write(t, RecordPath(dir), "nonsense\n")
	source := filepath.Join(t.TempDir(), ns.BinaryPrefix+"two")
	write(t, source, "2")
	if _, err := Install(context.Background(), source, dir); err == nil || !strings.Contains(err.Error(), "nsrun.lock:1: \"nonsense\"") {
		t.Errorf("said %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ns.BinaryPrefix+"two")); err == nil {
		t.Error("installed all the same")
	}
}
