// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"runtime"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// startInit splits the init off, if the plan has one. The function that it
// returns adds, behind all else, what the init of a restricted command does.
//
// Such an init is no way around the restrictions: a command that may trace it
// (ptrace(2)) finds a process that can do nothing but wait and send signals.
// Until that holds, and until an init has given back what it has of the front's
// memory, it can't be traced at all, since it isn't dumpable.
func (c *compiler) startInit() (restrict func()) {
	i := c.find(ns.OpInit)
	if i < 0 {
		c.enterPIDs()
		return func() {}
	}
	title := titleOf(c.cfg.Steps[i])
	c.b.Begin(i, title)
	c.prctl(unix.PR_SET_DUMPABLE, 0)
	if c.find(ns.OpCaps) < 0 && c.find(ns.OpSeccomp) < 0 {
		c.b.Do(program.Fork)
		return func() {}
	}
	first := c.b.Label()
	c.b.Fork(first)
	return func() {
		c.b.Begin(i, title+": restrict it")
		c.b.Place(first)
		c.restrictInit()
		c.b.Do(program.Reign)
	}
}

// splits reports whether the command is started by an init, or by a process that
// stays outside of the PID namespace that it joins.
func (c *compiler) splits() bool {
	return c.find(ns.OpInit) >= 0 || c.cfg.Join != 0 && c.has(ns.PID)
}

// restrictInit leaves the init the right to signal a command of another user,
// and the calls that it makes.
func (c *compiler) restrictInit() {
	kill := uint64(1<<unix.CAP_KILL) & c.permitted()
	c.prctl(unix.PR_SET_NO_NEW_PRIVS, 1)
	c.capset(kill, kill, 0)
	if arch, ok := auditArch[runtime.GOARCH]; ok {
		c.filter(0, allowOnly(arch, initCalls))
	}
}

// initCalls are the system calls of package machine's reign, and of what comes
// before it.
var initCalls = []uint32{
	unix.SYS_RT_SIGTIMEDWAIT, unix.SYS_KILL, unix.SYS_WAIT4, unix.SYS_EXIT_GROUP, unix.SYS_RESTART_SYSCALL,
	unix.SYS_PRCTL, unix.SYS_CLOSE_RANGE, unix.SYS_MUNMAP, unix.SYS_READ, unix.SYS_WRITE,
}

// auditArch holds the architectures as a filter sees them; seccomp(2).
var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// allowOnly returns a filter that lets calls through and answers EPERM to others.
func allowOnly(arch uint32, calls []uint32) []unix.SockFilter {
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	n := uint8(len(calls))
	filter := []unix.SockFilter{
		{Code: load, K: 4}, // struct seccomp_data: nr, arch
		{Code: equal, K: arch, Jf: n + 1},
		{Code: load, K: 0},
	}
	for i, nr := range calls {
		filter = append(filter, unix.SockFilter{Code: equal, K: nr, Jt: n - uint8(i)})
	}
	return append(filter,
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
}
