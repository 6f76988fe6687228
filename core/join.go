// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// nsfsMagic is the file system of files that stand for namespaces; statfs(2).
const nsfsMagic = 0x6e736673

// openJoins opens and checks the namespaces that the command is to enter.
func (r *run) openJoins() (err error) {
	for _, j := range r.plan.Joins {
		f, e := r.openJoin(j.Join)
		if e != nil {
			e.Plugin = j.Plugin
			err = errors.Join(err, e)
			continue
		}
		r.joins = append(r.joins, stage.Join{PlannedJoin: j, File: f})
	}
	return err
}

// closeJoins closes what openJoins opened.
func (r *run) closeJoins() {
	for _, j := range r.joins {
		j.File.Close()
	}
}

func (r *run) openJoin(j ns.Join) (*os.File, *ns.Diagnostic) {
	name, isRun := strings.CutPrefix(j.Source, ns.RunPrefix)
	if !isRun {
		return r.openNamespace(j, j.Source)
	}
	pid, err := r.childOf(name)
	if err != nil {
		return nil, err
	}
	f, err := r.openNamespace(j, procNS(pid, j.Kind.File()))
	if err != nil {
		return nil, err
	}
	// The run is still alive now that its namespace is open, so the process was the
	// one that its journal speaks of.
	if again, err := r.childOf(name); err != nil || again != pid {
		f.Close()
		return nil, noRun(name)
	}
	return f, nil
}

// childOf returns the first process of the caller's live run of that name or id.
func (r *run) childOf(name string) (int, *ns.Diagnostic) {
	runs, err := r.Base.List()
	if err != nil {
		return 0, &ns.Diagnostic{Summary: "list runs: " + err.Error()}
	}
	for _, other := range runs {
		if other.Alive && other.Child > 0 && (other.Header.Name == name || other.Header.ID == name) {
			return other.Child, nil
		}
	}
	return 0, noRun(name)
}

func noRun(name string) *ns.Diagnostic {
	return &ns.Diagnostic{Summary: "join run " + name + ": no live run is called that", Hint: "nsctl ps lists the runs that are alive"}
}

// openNamespace opens a file that must stand for a namespace of the kind, owned by a
// user namespace that is the caller's own or that the caller made.
func (r *run) openNamespace(j ns.Join, path string) (*os.File, *ns.Diagnostic) {
	// O_NONBLOCK, since the path may be a pipe that nobody writes to; fifo(7).
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, refuseJoin(j, errors.Unwrap(err).Error(), "a file below /run/netns, or /proc/PID/ns/"+j.Kind.File())
	}
	if d := r.checkNamespace(j, int(f.Fd())); d != nil {
		f.Close()
		return nil, d
	}
	return f, nil
}

func (r *run) checkNamespace(j ns.Join, fd int) *ns.Diagnostic {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil || fs.Type != nsfsMagic {
		return refuseJoin(j, "it is no namespace", "a file below /run/netns, or /proc/PID/ns/"+j.Kind.File())
	}
	// ioctl_ns(2): the result is a CLONE_NEW* flag.
	flag, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil || uintptr(flag) != j.Kind.CloneFlag() {
		return refuseJoin(j, "it is a namespace of another kind", "")
	}
	owner, err := ownerOf(fd)
	switch {
	case err != nil:
		return refuseJoin(j, "it belongs to a user namespace that is out of reach: "+err.Error(), "")
	case owner != r.Facts.UID:
		return refuseJoin(j, fmt.Sprintf("it belongs to user %d", owner), "nsrun as that user")
	}
	return nil
}

func refuseJoin(j ns.Join, why, hint string) *ns.Diagnostic {
	return &ns.Diagnostic{Summary: fmt.Sprintf("join the %s namespace of %s: %s", j.Kind, j.Source, why), Hint: hint}
}

// ownerOf returns the user who made the user namespace that owns the namespace fd;
// ioctl_ns(2).
func ownerOf(fd int) (int, error) {
	user, err := unix.IoctlRetInt(fd, unix.NS_GET_USERNS)
	if err != nil {
		return 0, err
	}
	defer unix.Close(user)
	uid, err := unix.IoctlGetUint32(user, unix.NS_GET_OWNER_UID)
	return int(uid), err
}
