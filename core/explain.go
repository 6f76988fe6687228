// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

func pid() int { return os.Getpid() }

// procNS returns the file of a process's namespace; proc(5).
func procNS(pid int, file string) string { return fmt.Sprintf("/proc/%d/ns/%s", pid, file) }

// statusOf returns nsrun's exit status for an error of the stage.
func statusOf(err error) int {
	var exec *stage.ExecError
	if errors.As(err, &exec) {
		return exec.Status()
	}
	return ExitFailed
}

// explain turns an error of the stage into a diagnostic with the cause behind
// the errno, where that can be found out, and the way out.
func (r *run) explain(err error) error {
	if all := ns.Flatten(err); len(all) > 1 {
		for i, e := range all {
			all[i] = r.explain(e)
		}
		return errors.Join(all...)
	}
	var clone *stage.CloneError
	var step *stage.StepError
	var exec *stage.ExecError
	switch {
	case errors.As(err, &clone):
		return explainClone(clone)
	case errors.As(err, &step):
		return r.explainStep(step)
	case errors.As(err, &exec):
		return r.explainExec(exec)
	}
	return err
}

// explainClone finds out why the kernel made no namespaces. An errno alone never
// tells: a limit of 0 is ENOSPC, and a chroot, a seccomp filter and AppArmor all
// answer EPERM.
func explainClone(e *stage.CloneError) *ns.Diagnostic {
	d := e.Diagnostic()
	for _, k := range e.Kinds {
		if e.Errno == unix.ENOSPC || e.Errno == unix.EUSERS {
			explainLimit(d, k)
		}
	}
	if e.Errno == unix.EMFILE {
		d.Hint = journal.OpenFilesHint
	}
	if e.Errno != unix.EPERM {
		return d
	}
	switch {
	case sysctlIs("/proc/sys/kernel/unprivileged_userns_clone", "0"):
		d.Detail, d.Hint = "kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1, as root"
	case sysctlIs("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"):
		d.Detail = "AppArmor keeps ordinary programs from making user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)"
		d.Hint = "an AppArmor profile with \"userns,\" for this nsrun, or run it as root"
	default:
		d.Detail = "the caller may not make these namespaces: it lacks CAP_SYS_ADMIN, or a chroot or a seccomp filter forbids it"
		d.Hint = "add user to --plugins, or run nsrun outside the container or chroot"
	}
	return d
}

func explainLimit(d *ns.Diagnostic, k ns.Kind) {
	name := "user.max_" + k.File() + "_namespaces"
	path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
	if sysctlIs(path, "0") {
		d.Detail = name + " is 0: this host allows no " + string(k) + " namespaces"
		d.Hint = "sysctl -w " + name + "=10000, as root"
	} else if d.Hint == "" {
		d.Detail = "a limit on namespaces is reached, or they are nested more than 32 deep"
		d.Hint = "nsctl ps shows what runs; sysctl user | grep max_ shows the limits"
	}
}

func sysctlIs(path, value string) bool {
	text, err := os.ReadFile(path)
	return err == nil && strings.TrimSpace(string(text)) == value
}

func (r *run) explainStep(e *stage.StepError) *ns.Diagnostic {
	d := e.Diagnostic()
	if e.IDMap {
		explainIDMap(d, e, mountTable())
		return d
	}
	if kind, _ := e.Step.Op.Needs(); kind == ns.Mount {
		explainMount(d, e, mountTable(), r.plan.Has(ns.User))
	}
	switch {
	case e.Step.Op == ns.OpMount && e.Step.FSType == "proc" && e.Errno == unix.EPERM:
		explainProc(d, mountTable())
	case e.Step.Op.Confines():
		explainConfinement(d, e)
	case e.Errno == unix.ENOSYS:
		d.Hint = "Linux 5.12 or newer, and no seccomp filter around nsrun that hides its calls"
	case e.Errno == unix.ENOENT && e.Step.Target != "":
		d.Hint = "make " + e.Step.Target + " in the root directory first, or use --dir or --tmpfs"
	case e.Errno == unix.EINVAL && (e.Step.Op == "" || e.Step.Op == ns.OpFile) && r.inv.UID != nil:
		d.Detail, d.Hint = "the id is not mapped in the user namespace", "--map-users and --map-groups map more ids"
	}
	return d
}

// explainConfinement says what right a step that restricts the command needs.
func explainConfinement(d *ns.Diagnostic, e *stage.StepError) {
	switch {
	case (e.Step.Op == ns.OpSeccomp || e.Step.Op == ns.OpLandlock) && (e.Errno == unix.EACCES || e.Errno == unix.EPERM):
		d.Detail = "the kernel takes this of a process that may gain privilege by execve(2) only with CAP_SYS_ADMIN"
		d.Hint = "leave out --no-new-privs=false, or add --cap-add sys_admin"
	case e.Step.Op == ns.OpRlimit && e.Errno == unix.EPERM:
		d.Detail = "a hard limit above the caller's needs CAP_SYS_RESOURCE on the host, which no user namespace gives"
		d.Hint = "ulimit -H -a shows the caller's hard limits"
	case e.Step.Op == ns.OpLandlockPath && e.Errno == unix.ENOENT:
		d.Hint = "the path is looked up in the root that the command sees"
	}
}

// explainProc looks for what hides parts of the outer proc. The kernel mounts a
// new one in a user namespace only where nothing is hidden, since it would show
// what the mask was to hide; its own message goes to the kernel log alone.
func explainProc(d *ns.Diagnostic, table []procfs.Mount) {
	var masks []string
	for _, m := range table {
		if strings.HasPrefix(m.Point, "/proc/") {
			masks = append(masks, m.String())
		}
	}
	if len(masks) == 0 {
		return
	}
	d.Detail = fmt.Sprintf("/proc is masked here, as inside a container (the kernel says \"VFS: Mount too revealing\"), by %s", strings.Join(masks, ", "))
	d.Hint = "--proc=bind, which shows the outer processes"
}

func (r *run) explainExec(e *stage.ExecError) *ns.Diagnostic {
	d := e.Diagnostic()
	inRoot := ""
	for _, s := range r.plan.Steps {
		if s.Op == ns.OpRootfs {
			inRoot = s.Source
		}
	}
	switch {
	case inRoot != "" && e.Errno == unix.ENOENT:
		d.Hint = "put the command and the libraries that it needs into " + inRoot + ", which is the root here"
	case e.Errno == unix.ENOENT:
		d.Hint = "check the spelling, or give the command's path"
	case e.Errno == unix.EACCES:
		d.Detail, d.Hint = "it is not executable, or a mount forbids it (noexec)", "chmod +x, or another --bind"
	}
	return d
}
