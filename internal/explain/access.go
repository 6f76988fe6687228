// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// access is one thing to do with a file.
type access struct {
	verb     string
	want     uint16 // of its permissions
	landlock string // what a rule must allow, "" if none is asked for
	// checks are what may refuse it, in the order in which the kernel asks.
	checks []check
}

// check returns why an access to the last file of a path is refused, or nil.
type check func(r *Run, stack []*file, a *access) *ns.Diagnostic

// What can be done with a file, by its type; open(2), execve(2), mkdir(2), connect(2).
// To write is to open what is there for writing, without O_TRUNC.
var (
	ofFile = []access{
		{"read", 4, "read", []check{permission, landlock}},
		{"write", 2, "write", []check{readOnlySuper, immutable, unmapped, permission, readOnlyMount, landlock}},
		{"execute", 1, "execute", []check{noExec, permission, landlock}},
	}
	ofDirectory = []access{
		{"list", 4, "read", []check{permission, landlock}},
		{"enter", 1, "", []check{search}},
		{"make files in", 3, "write", []check{search, readOnlySuper, readOnlyMount, landlock, immutable, unmapped, change}},
	}
	ofDevice = []access{
		{"read", 4, "read", []check{noDev, permission, landlock}},
		{"write", 2, "write", []check{noDev, immutable, unmapped, permission, landlock}},
	}
	ofPipe = []access{
		{"read", 4, "read", []check{permission, landlock}},
		{"write", 2, "write", []check{unmapped, permission, landlock}},
	}
	ofSocket = []access{{"connect to", 2, "", []check{unmapped, permission}}}
)

// kernels are the types of file systems in which nobody makes files.
var kernels = map[string]bool{"proc": true, "sysfs": true}

// accesses returns what can be done with a file. That to make files in a directory is
// the last.
func (r *Run) accesses(f *file) []access {
	switch f.mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if kernels[r.mounts[f.mount].FSType] {
			return ofDirectory[:len(ofDirectory)-1]
		}
		return ofDirectory
	case unix.S_IFBLK, unix.S_IFCHR:
		return ofDevice
	case unix.S_IFIFO:
		return ofPipe
	case unix.S_IFSOCK:
		return ofSocket
	}
	return ofFile
}

// refuse returns why something is refused, with the plugin whose rule it is; "" for
// nobody's.
func refuse(plugin string, errno unix.Errno, why, hint string) *ns.Diagnostic {
	return &ns.Diagnostic{Plugin: plugin, Errno: errno, Detail: why, Hint: hint}
}

// permission is what the mode of a file and the subject's capabilities allow.
func permission(r *Run, stack []*file, a *access) *ns.Diagnostic {
	f, s := stack[len(stack)-1], &r.subject
	if s.may(f, a.want) {
		return nil
	}
	d := refuse("", unix.EACCES, s.relation(f), "")
	if rule := r.ruleFor(f.mount, ns.IDMapped); rule != nil && s.knows(f) {
		d.Detail += fmt.Sprintf("; on disk it belongs to %d:%d, by the step %q", inside(s.uids, f.uid), inside(s.gids, f.gid), rule.words())
	}
	switch caps := r.find(ns.OpCaps); {
	case !overridable(f, a.want):
		d.Detail += "; nobody may execute it"
	case !s.knows(f):
		d.Hint = "nsrun as a user who may: a run has no more rights than its caller"
	case caps != nil:
		name := ns.Capabilities()[capabilityFor(f, a.want)]
		d.Plugin, d.Detail, d.Hint = caps.Plugin, d.Detail+"; CAP_"+strings.ToUpper(name)+" was taken away", "--cap-add "+name
	}
	if f.acl {
		d.Detail += "; its access control list, which may say otherwise, is not read here"
	}
	return d
}

// search is the permission to look up a name in a directory.
func search(r *Run, stack []*file, _ *access) *ns.Diagnostic {
	return permission(r, stack, &access{want: 1})
}

// change is the permission to make a file in a directory that may be searched.
func change(r *Run, stack []*file, a *access) *ns.Diagnostic {
	if search(r, stack, a) != nil {
		return nil
	}
	return permission(r, stack, a)
}

// relation says what a file's permissions are and who the subject is for them.
func (s *subject) relation(f *file) string {
	who := "is neither"
	switch {
	case s.uid == f.uid:
		who = "is its owner"
	case s.gid == f.gid || slices.Contains(s.groups, f.gid):
		who = "is in its group"
	}
	text := fmt.Sprintf("%s has mode %04o and belongs to %d:%d", f.path, f.mode&0o7777, f.uid, f.gid)
	if s.initial {
		return text + fmt.Sprintf(", and the command, %d:%d, %s", s.uid, s.gid, who)
	}
	if !s.knows(f) {
		text += " of the host, which its user namespace doesn't have"
	} else {
		text += " of the host"
	}
	return text + fmt.Sprintf("; the command, there %d:%d, %s", s.uid, s.gid, who)
}

// immutable is a flag of the file that holds for root as well; ioctl_iflags(2).
func immutable(_ *Run, stack []*file, _ *access) *ns.Diagnostic {
	f := stack[len(stack)-1]
	if f.attrs&unix.STATX_ATTR_IMMUTABLE == 0 {
		return nil
	}
	return refuse("", unix.EPERM, f.path+" can't be changed by anybody: it is immutable (chattr +i)", "chattr -i "+f.path+", as root of the host")
}

// readOnlySuper is the check of the file system itself, which comes before that of its
// mount.
func readOnlySuper(r *Run, stack []*file, _ *access) *ns.Diagnostic {
	m := r.mounts[stack[len(stack)-1].mount]
	if !m.SuperHas("ro") {
		return nil
	}
	return refuse("", unix.EROFS, "the file system of the mount "+m.String()+" is read-only itself", "")
}

// unmapped is a file of an idmapped mount whose owner the run's map lacks: the kernel
// couldn't write down who changed it, and so nobody may.
func unmapped(r *Run, stack []*file, _ *access) *ns.Diagnostic {
	f := stack[len(stack)-1]
	rule := r.ruleFor(f.mount, ns.IDMapped)
	if rule == nil || r.subject.knows(f) {
		return nil
	}
	return refuse(rule.Plugin, unix.EACCES, fmt.Sprintf("%s belongs on disk to an id that the run's user namespace doesn't map: nobody may change it, by the step %q", f.path, rule.words()),
		"--map-users and --map-groups map more ids")
}

func readOnlyMount(r *Run, stack []*file, _ *access) *ns.Diagnostic {
	return r.byMount(stack, ns.ReadOnly, unix.EROFS)
}

func noExec(r *Run, stack []*file, _ *access) *ns.Diagnostic {
	return r.byMount(stack, ns.NoExec, unix.EACCES)
}

func noDev(r *Run, stack []*file, _ *access) *ns.Diagnostic {
	return r.byMount(stack, ns.NoDev, unix.EACCES)
}

// byMount refuses what an attribute of the mount forbids.
func (r *Run) byMount(stack []*file, attr ns.Attr, errno unix.Errno) *ns.Diagnostic {
	f := stack[len(stack)-1]
	m := r.mounts[f.mount]
	if !m.Has(string(attr)) {
		return nil
	}
	rule := r.ruleFor(f.mount, attr)
	if rule == nil {
		return refuse("", errno, fmt.Sprintf("it is on the mount %s, which is %s outside of the run, too", m, attr), "")
	}
	return refuse(rule.Plugin, errno, fmt.Sprintf("it is on the mount %s, which is %s by the step %q", m, attr, rule.words()), rule.way(f.path, attr))
}

// landlock is the run's own ruleset; landlock(7). What to type is for the last file of
// the path.
func landlock(r *Run, stack []*file, a *access) *ns.Diagnostic {
	s := r.fsRuleset()
	if s == nil || r.allows(stack, a.landlock) {
		return nil
	}
	path := stack[len(stack)-1].path
	option := map[string]string{"read": "--landlock-ro ", "write": "--landlock-rw ", "execute": "--landlock-rx "}[a.landlock]
	return refuse(s.Plugin, unix.EACCES, fmt.Sprintf("Landlock restricts files, and no rule allows to %s %s", a.landlock, path), option+path)
}
