// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
)

var (
	sumA = strings.Repeat("a", 64)
	sumB = strings.Repeat("b", 64)
)

func TestAFormattedFileReadsTheSame(t *testing.T) {
	f := File{Plugins: map[string]Entry{
		"net": {Version: `1.0 "x"`, SHA256: sumA}, "a-b": {Version: "2", SHA256: sumB},
		"mount": {Version: "3", SHA256: sumA, State: &State{1, 1<<64 - 2, 3, -4, 5, 6, 7, 0o755}},
	}}
	text := f.Format()
	got, err := Parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&f, got); d != "" {
		t.Error(d)
	}
	if strings.Index(text, "a-b") > strings.Index(text, "mount") || strings.Index(text, "mount") > strings.Index(text, "net") || text != got.Format() {
		t.Errorf("not sorted, or not stable:\n%s", text)
	}
}

func TestAllThatIsWrongWithAFileIsToldWithItsPlace(t *testing.T) {
	const text = `version = 2
verzion = 1
[plugin.Upper]
[plugin.net]
version = 1.0
sha256 = "abc"
digest = "x"
stat = "dev=1 ino=2 size=+3 mtime=4 ctime=5 uid=6 gid=7 mode=0755"
[plugin.net]
version = "1"
version = "2"
what
`
	_, err := Parse("/l", text)
	var got []string
	for _, d := range ns.Diagnose(err) {
		if d.Hint == "" || d.Option != "locked" {
			t.Errorf("no way out: %v", d)
		}
		got = append(got, d.Summary)
	}
	want := []string{
		"read /l:1: version: 2 is a form that this nsrun doesn't know",
		"read /l:2: verzion: is no key of a lock file",
		"read /l:3: [plugin.Upper]: is no section of a lock file",
		"read /l:3: plugin.Upper.version: is missing",
		"read /l:3: plugin.Upper.sha256: is missing",
		"read /l:5: plugin.net.version: is not a text in double quotes",
		"read /l:6: plugin.net.sha256: is not 64 hexadecimal digits",
		"read /l:7: plugin.net.digest: is no key of a plugin",
		"read /l:8: plugin.net.stat: is not the state of a file",
		"read /l:9: [plugin.net]: is there twice",
		"read /l:10: plugin.net.version: is there twice",
		"read /l:11: plugin.net.version: is there twice",
		"read /l:12: \"what\": is neither a section nor a key with a value",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := Parse("/l", ""); err == nil || !strings.Contains(err.Error(), "/l:1: version: is missing") {
		t.Errorf("an empty file: %v", err)
	}
}

func TestCompareNamesBothDigests(t *testing.T) {
	f := File{Path: "/l", Plugins: map[string]Entry{"net": {Version: "1.0", SHA256: sumA}}}
	if err := f.Compare("net", "/p", sumA); err != nil {
		t.Errorf("the locked plugin: %v", err)
	}
	d, _ := f.Compare("net", "/p", sumB).(*ns.Diagnostic)
	if d == nil || d.Plugin != "net" || !strings.Contains(d.Detail, "locked: 1.0 "+sumA+", found: "+sumB+" in /p") || d.Hint == "" {
		t.Errorf("another plugin: %+v", d)
	}
	if d, _ := f.Compare("pid", "/p", sumB).(*ns.Diagnostic); d == nil || !strings.Contains(d.Summary, "not in /l") {
		t.Errorf("a plugin that isn't there: %+v", d)
	}
}

func TestWriteReplacesWhatOthersMayRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := File{Plugins: map[string]Entry{"net": {Version: "1", SHA256: sumA}}}
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	state, stateErr := StateOf(path)
	if err != nil || stateErr != nil || string(text) != f.Format() || state.Mode != 0o644 || state.Size != int64(len(text)) {
		t.Errorf("wrote %q with the state %v: %v, %v", text, state, err, stateErr)
	}
	if err := f.Write(filepath.Join(t.TempDir(), "missing", FileName)); err == nil {
		t.Error("wrote into a directory that isn't there")
	}
}
