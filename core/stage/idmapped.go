// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/nsrun/nsrun/core/stage/machine"
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Idmapped mounts: mount_setattr(2). The child clones them out of its own mount
// namespace, where the flags that they have from outside are locked, so that no
// command can take them off; mount_namespaces(7). It may not map their ids, which takes
// CAP_SYS_ADMIN in the user namespace of the file system. This process may, and reaches
// the child's descriptor by its name in proc(5).

// idMap has the ids of the mounts tree mapped, if attrs ask for it. It must come at once
// after the call that made the tree, and never be jumped over: the front counts.
func (c *compiler) idMap(tree program.Reg, attrs []ns.Attr) {
	if slices.Contains(attrs, ns.IDMapped) {
		c.b.IDMap(tree)
	}
}

// checkIDMapped refuses an attribute that would do nothing.
func (c *compiler) checkIDMapped(s ns.Step) {
	switch {
	case !slices.Contains(s.Attrs, ns.IDMapped):
	case s.Op != ns.OpBind && s.Op != ns.OpRootfs:
		c.refuse("%s: only binds and root directories can be idmapped", Words(s))
	case !c.has(ns.User):
		c.problem(&ns.Diagnostic{
			Summary: Words(s) + ": the run has no user namespace whose ids the mount could have", Hint: "add user to --plugins",
		})
	}
}

// mapMounts maps the ids of all mounts that the child's program has idmapped. The error
// joins a *StepError for each step that can't be.
func (c *Child) mapMounts() error {
	for range c.program.code.Count(program.IDMap) {
		q, err := c.process.Question()
		if q == nil {
			return err
		}
		if err := c.mapMount(q); err != nil {
			return err
		}
		c.process.Proceed()
	}
	return nil
}

// mapMount maps the ids of the mounts that the child asks for. A source that isn't
// there has none.
func (c *Child) mapMount(q *machine.Question) error {
	if q.FD < 0 {
		return nil
	}
	userns, err := unix.Open(fmt.Sprintf("/proc/%d/ns/user", c.PID()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(userns)
		err = setIDMap(unix.AT_FDCWD, fmt.Sprintf("/proc/%d/fd/%d", c.PID(), q.FD), unix.AT_RECURSIVE, userns)
	}
	if err == nil {
		return nil
	}
	c.note(q.Instr)
	return c.unmappable(q.Instr, err, userns)
}

// setIDMap gives mounts that aren't attached yet the ids of a user namespace.
func setIDMap(dir int, path string, flags uint, userns int) error {
	return unix.MountSetattr(dir, path, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns)})
}

// unmappable returns the failure of the instruction instr, with the mounts that are the
// reason, and that of each later one that would fail as well.
func (c *Child) unmappable(instr int, err error, userns int) error {
	var errs []error
	for i, in := range c.program.code.Instrs {
		if in.Op != program.IDMap || i < instr {
			continue
		}
		places, why := unmapped(c.program.steps[in.Step].Step, userns)
		if i == instr {
			why = err
		}
		var errno syscall.Errno
		if errors.As(why, &errno) {
			e := c.program.stepError(i, errno)
			e.Unmapped = places
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// unmapped returns those of the mounts that s is to mount, by their places on the host,
// whose ids can't be mapped to a user namespace, and the kernel's reason for the first.
// It tries with clones of its own.
func unmapped(s ns.Step, userns int) (places []string, why error) {
	if s.Phase != ns.Setup {
		return nil, nil // the source is a path of the child's
	}
	for _, place := range mountsBelow(s.Source) {
		tree, err := unix.OpenTree(unix.AT_FDCWD, place, cloneTree)
		if err != nil {
			continue
		}
		err = setIDMap(tree, "", unix.AT_EMPTY_PATH, userns)
		_ = unix.Close(tree)
		if err != nil {
			places = append(places, place)
			if why == nil {
				why = err
			}
		}
	}
	return places, why
}

// mountsBelow returns path, links followed, and the mount points below it.
func mountsBelow(path string) []string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	places := []string{real}
	for _, m := range procfs.ParseMounts(procfs.Read(unix.Getpid(), "mountinfo")) {
		if m.Point != real && Below(real, m.Point) && !slices.Contains(places, m.Point) {
			places = append(places, m.Point)
		}
	}
	return places
}
