// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"slices"
	"strings"
)

// capabilities holds the names in the order of the kernel's numbers, in lower
// case and without CAP_; capabilities(7).
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

// Capabilities returns the names of all capabilities, in lower case and without
// CAP_, in the order of their numbers.
func Capabilities() []string { return slices.Clone(capabilities) }

// CapabilityNumber returns the number of the capability name, which may be in
// upper case and begin with CAP_, and false if there is none of that name.
func CapabilityNumber(name string) (int, bool) {
	i := slices.Index(capabilities, strings.TrimPrefix(strings.ToLower(name), "cap_"))
	return i, i >= 0
}

// Caps says what capabilities a command has. Bit n is the capability number n.
type Caps struct {
	// Keep is the most that the command may have: its bounding set, and what its
	// permitted and effective sets are cut down to.
	Keep uint64
	// Ambient, a part of Keep, stays also with a command that isn't root.
	Ambient uint64
}

// ParseCaps reads the data of [OpCaps]: names with commas between, one that
// begins with + being ambient too. The empty string keeps none.
func ParseCaps(data string) (c Caps, err error) {
	if data == "" {
		return c, nil
	}
	for name := range strings.SplitSeq(data, ",") {
		bare, ambient := strings.CutPrefix(name, "+")
		n, ok := CapabilityNumber(bare)
		switch {
		case !ok || bare != capabilities[n]:
			return c, fmt.Errorf("not a capability: %s", quote(name))
		case c.Keep>>n&1 != 0:
			return c, fmt.Errorf("capability %s twice", bare)
		}
		c.Keep |= 1 << n
		if ambient {
			c.Ambient |= 1 << n
		}
	}
	return c, nil
}

// String returns c as [ParseCaps] reads it.
func (c Caps) String() string {
	var names []string
	for n, name := range capabilities {
		switch {
		case c.Ambient>>n&1 != 0:
			names = append(names, "+"+name)
		case c.Keep>>n&1 != 0:
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
