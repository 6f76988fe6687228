// SPDX-License-Identifier: Apache-2.0

package helper

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/nsplugin"
)

// dirs are where programs are looked for, whatever the caller's PATH says: a
// helper handles what the sandbox sends, with the caller's rights.
var dirs = []string{"/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/run/current-system/sw/bin"}

// Program is a program of the system.
type Program struct {
	// Name is the name of its file. Required.
	Name string
	// Package is the Debian package that has it. Required.
	Package string
}

// Find returns the program's path. The error is a *ns.Diagnostic that says where it
// was looked for, or why the file that is there can't be trusted, and which package
// has it.
func (p Program) Find() (string, error) { return p.findIn(dirs) }

func (p Program) findIn(dirs []string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, p.Name)
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			continue
		}
		if why := distrust(info); why != "" {
			return "", nsplugin.Errorf("run %s: %s", path, why).WithHint("chown root and chmod go-w " + path)
		}
		return path, nil
	}
	return "", nsplugin.Errorf("find %s: not installed", p.Name).
		WithDetail("it is in none of " + strings.Join(dirs, ", ")).
		WithHint(p.install())
}

// install says what to type to get the program.
func (p Program) install() string {
	return "apt install " + p.Package + ", or the package that has " + p.Name + " on this system"
}

// distrust says why a file can't be run, or "": anybody but root and the caller
// could have written it.
func distrust(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return ""
	case stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return fmt.Sprintf("the file belongs to user %d", stat.Uid)
	case info.Mode().Perm()&0o022 != 0:
		return "others can write the file"
	}
	return ""
}
