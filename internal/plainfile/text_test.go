// SPDX-License-Identifier: Apache-2.0

package plainfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadTextRefusesWhatIsNoText(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"good": "ä\r\n", "empty": "", "latin": "a\nb \xe4\n", "large": strings.Repeat("x", 9)} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(unix.Mkfifo(in("pipe"), 0o600), os.Mkdir(in("dir"), 0o700), os.Symlink("loop", in("loop")), os.Symlink("good", in("link"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		in("good"): "", in("empty"): "", in("link"): "",
		in("latin"): "line 2 is not UTF-8", in("large"): "larger than 8 bytes", in("dir"): "is a directory",
		in("pipe"): "not a regular file", "/dev/zero": "not a regular file", in("loop"): "too many levels", in("missing"): "no such file",
	} {
		text, err := ReadText(path, 8)
		if _, ok := errors.AsType[*fs.PathError](err); err != nil && (!ok || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: no path error: %v", path, err)
		}
		switch {
		case want == "" && (err != nil || text == nil):
			t.Errorf("%s: %q, %v", path, text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v; want %s", path, err, want)
		}
	}
}
