// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// Find returns the plugin that name means: a plain name is looked for in dirs,
// and the highest rank that has it wins, even if the file there turns out to be
// unusable; falling through to the next would hide that somebody put it there.
// An absolute path is that file, named nsrun-plugin-NAME.
//
// Errors are a *NotFoundError, *AmbiguousError, *RefusedError, or a
// *ns.Diagnostic for a name that can't be one.
func Find(name string, dirs Dirs) (Plugin, error) {
	f := Finder{}
	defer f.Close()
	return f.Find(name, dirs)
}

// Finder finds several plugins and checks each directory that they lie in once. It
// has the trust of each user for whom it was asked.
type Finder map[int]trust

// Close closes the directories that were checked.
func (f Finder) Close() {
	for _, t := range f {
		t.been.close()
	}
}

// Find does what the function [Find] does.
func (f Finder) Find(name string, dirs Dirs) (Plugin, error) {
	t, ok := f[dirs.UID]
	if !ok {
		t = trustOf(dirs.UID)
		f[dirs.UID] = t
	}
	if strings.ContainsRune(name, '/') {
		return findFile(name, t)
	}
	if !ns.ValidName(name) {
		return Plugin{}, badName(name)
	}
	for _, group := range dirs.Groups {
		found, err := group.find(name, t)
		if err != nil || found != nil {
			return first(found), err
		}
	}
	return Plugin{}, &NotFoundError{
		Name:    name,
		Dirs:    dirs.list(),
		Similar: similar(name, installed(dirs)),
		Ignored: dirs.ignoredHint(),
	}
}

// Open opens the binary of p for execution and checks again, by descriptor, that
// it is trusted and still the file that was found. Whoever executes the
// descriptor, as /proc/self/fd/N, runs exactly what was checked. It is O_PATH:
// good for execution and fstat(2), not for reading.
func Open(p Plugin) (*os.File, error) {
	t := trustOf(os.Geteuid())
	defer t.been.close()
	fd, id, err := open(p.Name, p.Path, t)
	if err != nil {
		return nil, err
	}
	if id != p.Identity {
		unix.Close(fd)
		return nil, &RefusedError{
			Name:   p.Name,
			Path:   p.Path,
			Reason: "it was changed or replaced after nsrun had looked at it",
			Hint:   "run the command again, once nobody is installing plugins",
		}
	}
	return os.NewFile(uintptr(fd), p.Path), nil
}

func first(p *Plugin) Plugin {
	if p == nil {
		return Plugin{}
	}
	return *p
}

// findFile finds the plugin given as a path.
func findFile(path string, t trust) (Plugin, error) {
	name, ok := nameOf(path)
	if !ok || !filepath.IsAbs(path) {
		return Plugin{}, &ns.Diagnostic{
			Summary: "find plugin " + quote(path) + ": not the absolute path of a plugin",
			Detail:  "the file must be named " + ns.BinaryPrefix + "NAME",
			Hint:    "for example --plugins net=/opt/" + ns.BinaryPrefix + "net",
		}
	}
	p, err := inspect(name, filepath.Clean(path), t)
	if errors.Is(err, fs.ErrNotExist) {
		return Plugin{}, &NotFoundError{Name: name, Dirs: []string{filepath.Dir(path)}}
	}
	return first(p), err
}

// nameOf returns the NAME of .../nsrun-plugin-NAME.
func nameOf(path string) (string, bool) {
	name, ok := strings.CutPrefix(filepath.Base(path), ns.BinaryPrefix)
	return name, ok && ns.ValidName(name)
}

// find returns the group's plugin of that name, or nil if it has none.
func (g Group) find(name string, t trust) (*Plugin, error) {
	paths := distinct(g.paths(name))
	switch len(paths) {
	case 0:
		return nil, nil
	case 1:
		return inspect(name, paths[0], t)
	}
	return nil, &AmbiguousError{Name: name, Source: g.Source, Paths: paths}
}

// paths returns where the group has something under the plugin's file name,
// whatever it is: a dangling symbolic link counts, so that it gets reported.
func (g Group) paths(name string) []string {
	var paths []string
	for _, dir := range g.Dirs {
		path := filepath.Join(dir, ns.BinaryPrefix+name)
		if _, err := os.Lstat(path); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// distinct drops paths that lead to the same file as one before them, as when a
// directory is listed twice.
func distinct(paths []string) []string {
	if len(paths) < 2 {
		return paths
	}
	var kept []string
	var infos []fs.FileInfo
next:
	for _, path := range paths {
		info, err := os.Stat(path)
		for _, other := range infos {
			if err == nil && os.SameFile(info, other) {
				continue next
			}
		}
		if err == nil {
			infos = append(infos, info)
		}
		kept = append(kept, path)
	}
	return kept
}

// inspect returns the plugin at path if it can be used.
func inspect(name, path string, t trust) (*Plugin, error) {
	fd, id, err := open(name, path, t)
	if err != nil {
		return nil, err
	}
	unix.Close(fd)
	return &Plugin{Name: name, Path: path, Identity: id}, nil
}

// open opens the file at path with all checks, and says which file it is.
func open(name, path string, t trust) (fd int, id Identity, err error) {
	fd, st, resolved, err := t.been.walk(path, t.dir)
	if err != nil {
		return -1, Identity{}, refuse(name, path, err)
	}
	if err := t.file(fd, st, resolved); err != nil {
		unix.Close(fd)
		return -1, Identity{}, refuse(name, path, err)
	}
	return fd, identity(st), nil
}

// refuse makes the error for a file at path that can't be used.
func refuse(name, path string, err error) error {
	refused := &RefusedError{Name: name, Path: path, Err: err}
	if r, ok := errors.AsType[*refusal](err); ok {
		refused.Reason, refused.Hint, refused.Err = r.reason, r.hint, nil
	} else {
		refused.Reason, refused.Hint = err.Error(), "look at it with ls -l "+path
	}
	return refused
}

func quote(s string) string { return strconv.Quote(s) }
