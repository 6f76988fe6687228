// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// tree is what the command will find mounted, as the options are read in their
// order.
type tree struct {
	dir         string   // where relative paths start; absolute
	newPID      bool     // the run has a pid namespace
	proc        string   // --proc, "" if not given
	propagation string   // --propagation
	unmask      []string // --unmask
	noIDMap     obstacle // to idmapped mounts

	root     *ns.Step  // the rootfs step, nil for the caller's own root
	defaults []ns.Step // /proc and /dev, before what the user asked for
	guarded  bool      // what a container shouldn't touch is hidden or read-only
	scratch  bool      // some directories are empty and writable
	masks    []ns.Step // of --mask
	steps    []ns.Step // what the user asked for, in the order given
	devGiven bool      // something of the user's is at /dev
	tried    []string  // sources that may be missing
	problems []ns.Diagnostic
}

// Attributes of what is shown, as bubblewrap sets them: setuid bits and device
// nodes of the outside don't work inside, unless asked for.
var (
	bindAttrs    = []ns.Attr{ns.NoSUID, ns.NoDev}
	roBindAttrs  = []ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev}
	devBindAttrs = []ns.Attr{ns.NoSUID}
	tmpfsAttrs   = []ns.Attr{ns.NoSUID, ns.NoDev}
)

// actions says what each option does that acts in the order of the command line.
var actions = map[string]func(t *tree, option string, args []string){
	"bind":         func(t *tree, o string, a []string) { t.bind(o, a, bindAttrs) },
	"ro-bind":      func(t *tree, o string, a []string) { t.bind(o, a, roBindAttrs) },
	"dev-bind":     func(t *tree, o string, a []string) { t.bind(o, a, devBindAttrs) },
	"bind-try":     func(t *tree, o string, a []string) { t.bindTry(o, a, bindAttrs) },
	"ro-bind-try":  func(t *tree, o string, a []string) { t.bindTry(o, a, roBindAttrs) },
	"tmpfs":        func(t *tree, o string, a []string) { t.tmpfs(o, a[0]) },
	"dev":          func(t *tree, o string, a []string) { t.dev(o, a[0]) },
	"dir":          func(t *tree, o string, a []string) { t.mkdir(o, a[0]) },
	"overlay":      func(t *tree, o string, a []string) { t.overlay(o, a, a[0], a[1], a[2]) },
	"tmp-overlay":  func(t *tree, o string, a []string) { t.overlay(o, a, a[0], "", a[1]) },
	"file":         func(t *tree, o string, a []string) { t.file(o, a[0], a[1]) },
	"ro-bind-data": func(t *tree, o string, a []string) { t.file(o, a[0], a[1]) },
	"mask":         func(t *tree, o string, a []string) { t.mask(o, a[0]) },
	"symlink":      func(t *tree, o string, a []string) { t.symlink(o, a[0], a[1]) },
}

// add reads one setting. Those without an action of their own aren't bound to
// their place on the command line.
func (t *tree) add(s ns.Setting) {
	if act, ordered := actions[s.Option]; ordered {
		act(t, s.Option, s.Args)
	}
}

// bind shows a source at a target. One at / is the root directory.
func (t *tree) bind(option string, args []string, attrs []ns.Attr) {
	path, attrs := t.idMapped(option, args, attrs)
	src, dst := t.absolute(args[0]), t.absolute(path)
	if dst == "/" {
		t.setRoot(option, []string{src, dst}, attrs)
		return
	}
	if _, err := os.Stat(src); err != nil {
		t.fault(option, args, err, tryHint(option, src, args[1]))
		return
	}
	t.place(nsplugin.Bind(src, dst, attrs...))
}

// bindTry is bind, and nothing where the source doesn't exist. Other errors
// stay errors: a source that may not be looked at does exist.
func (t *tree) bindTry(option string, args []string, attrs []ns.Attr) {
	src := t.absolute(args[0])
	t.tried = append(t.tried, src)
	if _, err := os.Stat(src); errors.Is(err, fs.ErrNotExist) {
		return
	}
	t.bind(option, args, attrs)
}

// tryHint says how to go on without a source, where there is such a way.
func tryHint(option, src, dst string) string {
	if option == "dev-bind" || strings.HasSuffix(option, "-try") {
		return ""
	}
	return fmt.Sprintf("--%s-try %s %s, if it may be missing", option, src, dst)
}

// setRoot makes the first argument the root directory. It is mounted first
// whatever its place among the options, so that place must be the first: in the
// order given it would hide what came before.
func (t *tree) setRoot(option string, args []string, attrs []ns.Attr) {
	src := "/"
	if len(args) > 0 {
		src = t.absolute(args[0])
	}
	given := strings.Join(append([]string{"--" + option}, args...), " ")
	switch info, err := os.Stat(src); {
	case err != nil:
		t.fault(option, args, err, "")
	case !info.IsDir():
		t.fault(option, args, syscall.ENOTDIR, "a directory, to become the root directory")
	case t.root != nil:
		t.problem(option, fmt.Sprintf("%s: %s is the root directory already", given, t.root.Source), "one --rootfs, or one bind on /")
	case len(t.steps) > 0:
		t.problem(option, fmt.Sprintf("%s: it would hide %s, which comes before it", given, t.steps[0].Target), given+" as the first of the options")
	default:
		root := nsplugin.Rootfs(src, attrs...)
		t.root = &root
	}
}

// tmpfs mounts an empty file system in memory.
func (t *tree) tmpfs(option, arg string) {
	path, data, err := parseTmpfs(arg)
	if err != nil {
		t.problem(option, fmt.Sprintf("--%s %s: %v", option, arg, err), "--tmpfs DST:size=64m,mode=1777, both optional")
		return
	}
	if dst, ok := t.target(option, path); ok {
		t.place(nsplugin.Tmpfs(dst, data, tmpfsAttrs...))
	}
}

// dev mounts a minimal /dev, or with "none" keeps a root directory from
// getting one.
func (t *tree) dev(option, arg string) {
	if arg == "none" {
		t.devGiven = true
		return
	}
	dst, ok := t.target(option, arg)
	if !ok {
		return
	}
	for _, s := range devSteps(dst) {
		t.place(s)
	}
}

// mkdir makes a directory, and those above it.
func (t *tree) mkdir(option, arg string) {
	if dst, ok := t.target(option, arg); ok {
		t.place(nsplugin.Mkdir(dst, 0))
	}
}

// symlink makes a symbolic link. What it points to is text, of any form.
func (t *tree) symlink(option, to, link string) {
	if to == "" {
		t.problem(option, fmt.Sprintf("--%s '' %s: the link would point to nothing", option, link), "--symlink TARGET LINK")
		return
	}
	if dst, ok := t.target(option, link); ok {
		t.place(nsplugin.Symlink(to, dst))
	}
}

// target returns a path to act on. The root itself can't be one, since a file
// system mounted over a root directory isn't seen by a process that is in it.
func (t *tree) target(option, path string) (string, bool) {
	path = t.absolute(path)
	if path != "/" {
		return path, true
	}
	t.problem(option, fmt.Sprintf("--%s /: that is the root directory", option), "--rootfs DIR, with an empty directory as DIR")
	return "", false
}

// place appends a step of the user's.
func (t *tree) place(s ns.Step) {
	if s.Target == "/dev" {
		t.devGiven = true
	}
	t.steps = append(t.steps, s)
}

// absolute returns path, relative to the caller's directory, in its shortest form.
func (t *tree) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(t.dir, path)
}

// addDefaults adds the /proc and the /dev that most commands need.
func (t *tree) addDefaults() {
	if how := t.procMode(); how != "none" {
		t.addDefault("proc", procStep(how))
	}
	if t.root != nil && !t.devGiven {
		t.addDefault("dev", devSteps("/dev")...)
	}
	if t.scratch {
		t.defaults = append(t.defaults, scratchSteps()...)
	}
}

// procMode returns what is to be at /proc: without a pid namespace a new proc
// would show the same processes, and a user namespace may not mount it.
func (t *tree) procMode() string {
	switch {
	case t.proc == "bind" && t.root == nil:
		return "none" // the outer proc is there already
	case t.proc != "":
		return t.proc
	case t.newPID:
		return "fresh"
	case t.root != nil:
		return "bind"
	}
	return "none"
}

// addDefault adds steps that the user didn't spell out, the first of which
// mounts something on a directory that the root must have or let be made.
func (t *tree) addDefault(option string, steps ...ns.Step) {
	dst := steps[0].Target
	if t.root != nil && slices.Contains(t.root.Attrs, ns.ReadOnly) {
		place := filepath.Join(t.root.Source, dst)
		if _, err := os.Lstat(place); errors.Is(err, fs.ErrNotExist) {
			t.problem(option, fmt.Sprintf("%s: the read-only root %s has no directory %s to mount on", option, t.root.Source, dst),
				fmt.Sprintf("mkdir %s, or --%s none", place, option))
			return
		}
	}
	t.defaults = append(t.defaults, steps...)
}

// wants returns the kinds that the steps need beside mounts: a new proc shows
// the pid namespace of whoever mounts it, so that it is new only in a new one.
func (t *tree) wants() []ns.Kind {
	if t.proc == "fresh" {
		return []ns.Kind{ns.PID}
	}
	return nil
}

// plan returns the steps in the order in which they act. Propagation is cut
// before anything else, or the first mount would be seen on the host. /proc and
// /dev come before the user's own mounts, which may cover them, and what is
// hidden comes last, so that no mount brings it back.
func (t *tree) plan() []ns.Step {
	steps := []ns.Step{nsplugin.Propagation("/", cmp.Or(t.propagation, "private"))}
	if t.root != nil {
		steps = append(steps, *t.root)
	}
	steps = append(steps, t.defaults...)
	steps = append(steps, t.steps...)
	if t.guarded {
		steps = append(steps, guardSteps(t.unmask)...)
	}
	steps = append(steps, t.masks...)
	if t.root != nil {
		steps = append(steps, nsplugin.Pivot())
	}
	return steps
}

// fault notes that an option's arguments can't be used, for the kernel's reason.
func (t *tree) fault(option string, args []string, err error, hint string) {
	var errno syscall.Errno // without the path, which err names again
	if errors.As(err, &errno) {
		err = errno
	}
	d := nsplugin.Errorf("--%s %s: %w", option, strings.Join(args, " "), err)
	t.problems = append(t.problems, *d.WithHint(hint).WithOption(option))
}

// problem notes what is wrong with an option.
func (t *tree) problem(option, summary, hint string) {
	t.problems = append(t.problems, *nsplugin.Errorf("%s", summary).WithHint(hint).WithOption(option))
}
