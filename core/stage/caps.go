// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"math"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// caps returns the index of the step that says which capabilities are kept, and
// what it says; -1 if there is none.
func (c *compiler) caps() (int, ns.Caps) {
	i := c.find(ns.OpCaps)
	if i < 0 {
		return i, ns.Caps{Keep: math.MaxUint64}
	}
	caps, _ := ns.ParseCaps(c.cfg.Steps[i].Data)
	return i, caps
}

// permitted returns the capabilities that the child has before it gives up any:
// all of them in a user namespace of its own; user_namespaces(7).
func (c *compiler) permitted() uint64 {
	if c.has(ns.User) {
		return math.MaxUint64
	}
	return c.host.Capabilities().Permitted
}

// dropCaps takes capabilities from the bounding set, as long as the right to do
// so is there, so that no executed file can give them back. Those that the
// caller has handed down to whatever he executes end here in any case: with them
// a command that isn't root would have privilege without having asked for it.
func (c *compiler) dropCaps() {
	i, caps := c.caps()
	if i < 0 {
		if had := c.host.Capabilities(); had.Inheritable != 0 && !c.has(ns.User) {
			c.b.Begin(-1, "clear the inheritable capabilities")
			c.capset(had.Effective, had.Permitted, 0)
		}
		return
	}
	c.b.Begin(i, titleOf(c.cfg.Steps[i])+": the bounding set")
	for n := range ns.Capabilities() {
		if caps.Keep>>n&1 == 0 {
			c.prctl(unix.PR_CAPBSET_DROP, n)
			c.b.Tolerate(unix.EINVAL) // the kernel is older than the capability
		}
	}
}

// keepCapsAcross lets the permitted set survive the change to another user, so
// that setCaps finds it; execve(2) ends that. See prctl(2), PR_SET_KEEPCAPS.
func (c *compiler) keepCapsAcross() {
	if i, _ := c.caps(); i >= 0 {
		c.prctl(unix.PR_SET_KEEPCAPS, 1)
	}
}

// setCaps cuts the other sets down. It comes after the change of ids, which
// needs capabilities and changes them.
func (c *compiler) setCaps() {
	i, caps := c.caps()
	if i < 0 {
		return
	}
	c.b.Begin(i, titleOf(c.cfg.Steps[i]))
	keep := caps.Keep & c.permitted()
	c.capset(keep, keep, caps.Ambient)
	c.prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	for n := range ns.Capabilities() {
		if caps.Ambient>>n&1 != 0 {
			c.b.Call(unix.SYS_PRCTL, program.Int(unix.PR_CAP_AMBIENT), program.Int(unix.PR_CAP_AMBIENT_RAISE),
				program.Int(n), program.Int(0), program.Int(0))
		}
	}
}

// capset sets three sets of the calling process; capset(2).
func (c *compiler) capset(effective, permitted, inheritable uint64) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(permitted), Inheritable: uint32(inheritable)},
		{Effective: uint32(effective >> 32), Permitted: uint32(permitted >> 32), Inheritable: uint32(inheritable >> 32)},
	}
	c.b.Call(unix.SYS_CAPSET, program.Struct(&c.b, &header), program.Struct(&c.b, &data))
}
