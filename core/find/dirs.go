// SPDX-License-Identifier: Apache-2.0

package find

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dirs says where plugins are looked for, and for whom.
type Dirs struct {
	// Groups are the places, highest rank first.
	Groups []Group
	// UID is the caller's effective user id, whose rules of trust hold: root
	// trusts root alone, anybody else root and himself.
	UID int
	// Ignored are directories that were named but aren't read, for messages.
	Ignored []Ignored
}

// Ignored is a directory that isn't read, and why.
type Ignored struct {
	Source Source
	Dir    string
	Reason string
}

// caller is what the choice of directories depends on.
type caller struct {
	uid        int
	executable string // of nsrun, symlinks resolved; may be empty
	home       string
	pluginPath string // NSRUN_PLUGIN_PATH
}

// Standard returns the places of this process: the directories of --plugin-dir,
// made absolute against the working directory, then those that the environment
// and the place of the running binary name. The working directory itself and
// PATH are never among them.
func Standard(pluginDirs []string) (Dirs, error) {
	flagDirs := make([]string, len(pluginDirs))
	for i, dir := range pluginDirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return Dirs{}, fmt.Errorf("resolve --plugin-dir %s: %w", dir, err)
		}
		flagDirs[i] = abs
	}
	// Without /proc there is no executable; the other places still count.
	executable, _ := os.Executable()
	c := caller{
		uid:        os.Geteuid(),
		executable: executable,
		home:       os.Getenv("HOME"),
		pluginPath: os.Getenv("NSRUN_PLUGIN_PATH"),
	}
	return c.dirs(flagDirs), nil
}

func (c caller) dirs(flagDirs []string) Dirs {
	d := Dirs{UID: c.uid}
	d.add(ByFlag, flagDirs)
	c.addEnv(&d)
	if c.executable != "" {
		bin := filepath.Dir(c.executable)
		d.add(Beside, []string{
			filepath.Join(bin, "..", "libexec", "nsrun", "plugins"),
			filepath.Join(bin, "plugins"),
		})
	}
	if c.uid != 0 && filepath.IsAbs(c.home) {
		d.add(ByUser, []string{filepath.Join(c.home, ".local", "libexec", "nsrun", "plugins")})
	}
	return d
}

// addEnv adds the directories of NSRUN_PLUGIN_PATH. An empty or relative entry
// would mean the working directory, so it is left out.
func (c caller) addEnv(d *Dirs) {
	var dirs []string
	for _, dir := range filepath.SplitList(c.pluginPath) {
		switch {
		case c.uid == 0:
			d.ignore(ByEnv, dir, "NSRUN_PLUGIN_PATH isn't read as root")
		case !filepath.IsAbs(dir):
			d.ignore(ByEnv, dir, "not an absolute path")
		default:
			dirs = append(dirs, filepath.Clean(dir))
		}
	}
	d.add(ByEnv, dirs)
}

// System returns the places of d where an administrator puts plugins for everybody:
// those beside nsrun. What is found there must be root's.
func (d Dirs) System() Dirs {
	var system Dirs
	for _, g := range d.Groups {
		if g.Source == Beside {
			system.Groups = append(system.Groups, g)
		}
	}
	return system
}

func (d *Dirs) add(source Source, dirs []string) {
	var once []string
	for _, dir := range dirs {
		if !slices.Contains(once, dir) {
			once = append(once, dir)
		}
	}
	if len(once) > 0 {
		d.Groups = append(d.Groups, Group{Source: source, Dirs: once})
	}
}

func (d *Dirs) ignore(source Source, dir, reason string) {
	d.Ignored = append(d.Ignored, Ignored{Source: source, Dir: dir, Reason: reason})
}

// list returns all directories in rank order, for messages.
func (d *Dirs) list() []string {
	var all []string
	for _, g := range d.Groups {
		all = append(all, g.Dirs...)
	}
	return all
}

// ignoredHint says which directories would have been read otherwise, or "".
func (d *Dirs) ignoredHint() string {
	var parts []string
	for _, i := range d.Ignored {
		parts = append(parts, fmt.Sprintf("%q: %s", i.Dir, i.Reason))
	}
	return strings.Join(parts, "; ")
}
