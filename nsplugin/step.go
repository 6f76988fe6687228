// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"strconv"
	"strings"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// Propagation sets the propagation ("private", "slave") of target and of all
// mounts below it.
func Propagation(target, propagation string) ns.Step {
	return ns.Step{Op: ns.OpPropagation, Target: target, Data: propagation}
}

// Rootfs makes the host directory dir the root in which later targets are
// resolved. attrs apply to its whole tree. A [Pivot] must follow.
func Rootfs(dir string, attrs ...ns.Attr) ns.Step {
	return ns.Step{Op: ns.OpRootfs, Source: dir, Attrs: attrs}
}

// Pivot makes the root of [Rootfs] the root directory and drops the old one.
func Pivot() ns.Step { return ns.Step{Op: ns.OpPivot} }

// Bind mounts the host's file or directory source, with all mounts below it, on
// target.
func Bind(source, target string, attrs ...ns.Attr) ns.Step {
	return ns.Step{Op: ns.OpBind, Source: source, Target: target, Attrs: attrs}
}

// Mount mounts a new file system of type fsType on target. options are the file
// system's own, comma-separated, as in mount(8) -o.
func Mount(fsType, target, options string, attrs ...ns.Attr) ns.Step {
	return ns.Step{Op: ns.OpMount, FSType: fsType, Target: target, Data: options, Attrs: attrs}
}

// Tmpfs mounts an empty tmpfs(5) on target. options are the file system's own:
// "size=64m,mode=1777".
func Tmpfs(target, options string, attrs ...ns.Attr) ns.Step {
	return Mount("tmpfs", target, options, attrs...)
}

// File mounts a read-only file with the given content and permission bits on
// target; mode 0 means 0644.
func File(target, content string, mode uint32) ns.Step {
	return ns.Step{Op: ns.OpFile, Target: target, Data: content, Mode: mode}
}

// FileFrom mounts a read-only file on target that holds what nsrun's caller gave
// it: a descriptor, a variable or a file, as source says. nsrun reads it at each
// run, up to ns.MaxFile bytes; the plugin never sees it. The file belongs to the
// user of the command; mode 0 means 0644.
func FileFrom(source ns.Source, target string, mode uint32) ns.Step {
	return ns.Step{Op: ns.OpFile, Source: source.String(), Target: target, Mode: mode}
}

// Mkdir makes the directory target, and those above it; mode 0 means 0755. In the
// host's own tree it is made for the run alone.
func Mkdir(target string, mode uint32) ns.Step {
	return ns.Step{Op: ns.OpMkdir, Target: target, Mode: mode}
}

// Symlink makes link a symbolic link to target.
func Symlink(target, link string) ns.Step {
	return ns.Step{Op: ns.OpSymlink, Target: link, Data: target}
}

// Hostname sets the host name of the UTS namespace.
func Hostname(name string) ns.Step { return ns.Step{Op: ns.OpHostname, Data: name} }

// Domainname sets the NIS domain name of the UTS namespace.
func Domainname(name string) ns.Step { return ns.Step{Op: ns.OpDomainname, Data: name} }

// LinkUp sets a network interface up.
func LinkUp(name string) ns.Step { return ns.Step{Op: ns.OpLinkUp, Target: name} }

// Sysctl sets a kernel parameter, named with dots, that belongs to a namespace
// of the run.
func Sysctl(key, value string) ns.Step {
	return ns.Step{Op: ns.OpSysctl, Target: key, Data: value}
}

// Init keeps an init as pid 1 of the PID namespace, which starts the command.
func Init() ns.Step { return ns.Step{Op: ns.OpInit} }

// Inside returns s, to be carried out after the root was switched.
func Inside(s ns.Step) ns.Step { s.Phase = ns.Inside; return s }

// IfExists returns s, to be left out if its source or target doesn't exist.
func IfExists(s ns.Step) ns.Step { s.IfExists = true; return s }

// Overlay mounts the host's directory lower on target, writable. What is written
// goes to the host's directory changes, or to memory if that is empty.
func Overlay(lower, target, changes string, attrs ...ns.Attr) ns.Step {
	return ns.Step{Op: ns.OpOverlay, Source: lower, Target: target, Data: changes, Attrs: attrs}
}

// Mask hides the file or directory target behind an empty one.
func Mask(target string) ns.Step { return ns.Step{Op: ns.OpMask, Target: target} }

// Remount adds attrs to the mounts of target and below it.
func Remount(target string, attrs ...ns.Attr) ns.Step {
	return ns.Step{Op: ns.OpRemount, Target: target, Attrs: attrs}
}

// TimeOffset sets the clock "monotonic" or "boottime" of the time namespace ahead
// of the caller's, or behind.
func TimeOffset(clock string, offset time.Duration) ns.Step {
	return ns.Step{Op: ns.OpTimeOffset, Target: clock, Data: strconv.FormatInt(offset.Nanoseconds(), 10)}
}

// Rlimit sets the resource limit name, as ns.Rlimits has it, in the kernel's
// units; ns.RlimitInfinity for no limit.
func Rlimit(name string, soft, hard uint64) ns.Step {
	return ns.Step{Op: ns.OpRlimit, Target: name, Data: ns.FormatRlimit(soft, hard)}
}

// Caps leaves the command the capabilities of c at most.
func Caps(c ns.Caps) ns.Step { return ns.Step{Op: ns.OpCaps, Data: c.String()} }

// Landlock restricts the accesses named, of ns.LandlockScopes, to those that
// [LandlockPath] and [LandlockPort] allow.
func Landlock(scopes ...string) ns.Step {
	return ns.Step{Op: ns.OpLandlock, Data: strings.Join(scopes, ",")}
}

// LandlockPath allows accesses, of ns.LandlockAccesses, to path and all below it.
func LandlockPath(path string, accesses ...string) ns.Step {
	return ns.Step{Op: ns.OpLandlockPath, Target: path, Data: strings.Join(accesses, ",")}
}

// LandlockPort allows accesses, of ns.LandlockPorts, with a TCP port.
func LandlockPort(port uint16, accesses ...string) ns.Step {
	return ns.Step{Op: ns.OpLandlockPort, Target: strconv.Itoa(int(port)), Data: strings.Join(accesses, ",")}
}

// Seccomp has filter decide about the command's system calls; log says whether
// what it refuses is logged.
func Seccomp(filter []ns.FilterInstr, log bool) ns.Step {
	return ns.Step{Op: ns.OpSeccomp, Data: ns.EncodeFilter(filter, log)}
}
