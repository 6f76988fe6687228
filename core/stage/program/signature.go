// SPDX-License-Identifier: Apache-2.0

package program

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// signature says how a system call is shown.
type signature struct {
	name string
	args []format
}

func (s signature) format(arg int) format {
	if arg < len(s.args) {
		return s.args[arg]
	}
	return hex
}

func signatureOf(nr uintptr) signature {
	if s, ok := signatures()[nr]; ok {
		return s
	}
	return signature{name: fmt.Sprintf("syscall_%d", nr)}
}

// format says how an argument is shown: number for a plain value, pointer for
// the address of data, next being the value of the argument that follows.
type format struct {
	number  func(v uint64) string
	pointer func(p *Program, at int, next uint64) string
}

// signatures returns the calls that a program can make, with their arguments in
// the order of their man pages. The table is made when something is printed,
// which most runs never do.
var signatures = sync.OnceValue(func() map[uintptr]signature {
	return map[uintptr]signature{
		unix.SYS_CAPSET:                  {"capset", []format{mem, capsets}},
		unix.SYS_CHDIR:                   {"chdir", []format{str}},
		unix.SYS_CLOSE:                   {"close", []format{dec}},
		unix.SYS_CLOSE_RANGE:             {"close_range", []format{dec, dec, flags(closeRangeFlags)}},
		unix.SYS_EXECVE:                  {"execve", []format{str, strs, strs}},
		unix.SYS_FCHDIR:                  {"fchdir", []format{dec}},
		unix.SYS_FCHOWN:                  {"fchown", []format{dec, dec, dec}},
		unix.SYS_SENDFILE:                {"sendfile", []format{dec, dec, offset, dec}},
		unix.SYS_FCHMOD:                  {"fchmod", []format{dec, oct}},
		unix.SYS_FSCONFIG:                {"fsconfig", []format{dec, enum(fsconfigCommands), str, str, dec}},
		unix.SYS_FSMOUNT:                 {"fsmount", []format{dec, flags(fsmountFlags), flags(mountAttrs)}},
		unix.SYS_FSOPEN:                  {"fsopen", []format{str, flags(fsopenFlags)}},
		unix.SYS_GETPID:                  {"getpid", nil},
		unix.SYS_SETPGID:                 {"setpgid", []format{dec, dec}},
		unix.SYS_SETSID:                  {"setsid", nil},
		unix.SYS_IOCTL:                   {"ioctl", []format{dec, enum(ioctls), mem}},
		unix.SYS_LANDLOCK_ADD_RULE:       {"landlock_add_rule", []format{dec, enum(landlockRules), rule, dec}},
		unix.SYS_LANDLOCK_CREATE_RULESET: {"landlock_create_ruleset", []format{ruleset, dec, dec}},
		unix.SYS_LANDLOCK_RESTRICT_SELF:  {"landlock_restrict_self", []format{dec, dec}},
		unix.SYS_MKDIRAT:                 {"mkdirat", []format{dec, str, oct}},
		unix.SYS_MOUNT_SETATTR:           {"mount_setattr", []format{dec, str, flags(atFlags), setattr, dec}},
		unix.SYS_MOVE_MOUNT:              {"move_mount", []format{dec, str, dec, str, flags(moveMountFlags)}},
		unix.SYS_OPENAT:                  {"openat", []format{dec, str, flags(openFlags), oct}},
		unix.SYS_OPENAT2:                 {"openat2", []format{dec, str, openHow, dec}},
		unix.SYS_OPEN_TREE:               {"open_tree", []format{dec, str, flags(openTreeFlags)}},
		unix.SYS_PIVOT_ROOT:              {"pivot_root", []format{str, str}},
		unix.SYS_PRCTL:                   {"prctl", []format{enum(prctls), dec, dec, dec, dec}},
		unix.SYS_PRLIMIT64:               {"prlimit64", []format{dec, resource, rlimit, dec}},
		unix.SYS_READLINKAT:              {"readlinkat", []format{dec, str, mem, dec}},
		unix.SYS_SECCOMP:                 {"seccomp", []format{enum(seccompOps), flags(seccompFlags), filter}},
		unix.SYS_SETDOMAINNAME:           {"setdomainname", []format{str, dec}},
		unix.SYS_SETGROUPS:               {"setgroups", []format{dec, mem}},
		unix.SYS_SETHOSTNAME:             {"sethostname", []format{str, dec}},
		unix.SYS_SETNS:                   {"setns", []format{dec, flags(cloneFlags)}},
		unix.SYS_SETRESGID:               {"setresgid", []format{dec, dec, dec}},
		unix.SYS_SETRESUID:               {"setresuid", []format{dec, dec, dec}},
		unix.SYS_SOCKET:                  {"socket", []format{enum(families), flags(socketTypes), dec}},
		unix.SYS_SYMLINKAT:               {"symlinkat", []format{str, dec, str}},
		unix.SYS_UMASK:                   {"umask", []format{oct}},
		unix.SYS_UMOUNT2:                 {"umount2", []format{str, flags(umountFlags)}},
		unix.SYS_UNSHARE:                 {"unshare", []format{flags(cloneFlags)}},
		unix.SYS_WRITE:                   {"write", []format{dec, buf, dec}},
	}
})

var (
	dec = format{showDec, showMem}
	hex = format{showHex, showMem}
	oct = format{func(v uint64) string { return "0" + strconv.FormatUint(v, 8) }, showMem}
	str = format{showHex, func(p *Program, at int, _ uint64) string { return p.text(at) }}
	mem = format{showHex, showMem}

	buf     = format{showHex, showBuf}
	strs    = format{showHex, showStrings}
	openHow = format{showHex, showOpenHow}
	setattr = format{showHex, showSetattr}
	rlimit  = format{showHex, showRlimit}

	offset   = format{showHex, func(p *Program, at int, _ uint64) string { return fmt.Sprintf("[%d]", p.word(at)) }}
	resource = format{showResource, showMem}
	capsets  = format{showHex, showCapsets}
	ruleset  = format{showHex, showRuleset}
	rule     = format{showHex, showRule}
	filter   = format{showHex, showFilter}
)

func flags(table []named) format {
	return format{func(v uint64) string { return flagText(v, table) }, showMem}
}

func enum(table []named) format {
	return format{func(v uint64) string { return enumText(v, table) }, showMem}
}

func showDec(v uint64) string {
	if int64(v) == unix.AT_FDCWD {
		return "AT_FDCWD"
	}
	if v == 1<<32-1 {
		return "~0"
	}
	return strconv.FormatInt(int64(v), 10)
}

func showHex(v uint64) string {
	if v == 0 {
		return "NULL"
	}
	return fmt.Sprintf("0x%x", v)
}

func showMem(_ *Program, at int, _ uint64) string { return fmt.Sprintf("+0x%x", at) }

func showBuf(p *Program, at int, size uint64) string {
	return quote(string(p.data[at : at+int(size)]))
}

func showStrings(p *Program, at int, _ uint64) string {
	var list []string
	for ; p.isReloc(at); at += 8 {
		list = append(list, p.text(int(p.word(at))))
	}
	if len(list) > maxListed {
		return fmt.Sprintf("[%d strings]", len(list))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// maxListed is the longest list of strings shown in full: an argument list, but
// no ordinary environment.
const maxListed = 16

func (p *Program) isReloc(at int) bool {
	for _, r := range p.relocs {
		if r == at {
			return true
		}
	}
	return false
}

func (p *Program) word(at int) uint64 { return binary.NativeEndian.Uint64(p.data[at:]) }

func showOpenHow(p *Program, at int, _ uint64) string {
	text := "{" + flagText(p.word(at), openFlags)
	if mode := p.word(at + 8); mode != 0 {
		text += fmt.Sprintf(", mode=0%o", mode)
	}
	return text + ", resolve=" + flagText(p.word(at+16), resolveFlags) + "}"
}

func showSetattr(p *Program, at int, _ uint64) string {
	set, clr, prop := p.word(at), p.word(at+8), p.word(at+16)
	var parts []string
	if set != 0 {
		parts = append(parts, "set="+flagText(set, mountAttrs))
	}
	if clr != 0 {
		parts = append(parts, "clr="+flagText(clr, mountAttrs))
	}
	if prop != 0 {
		parts = append(parts, "propagation="+flagText(prop, propagations))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func showRlimit(p *Program, at int, _ uint64) string {
	return fmt.Sprintf("{%d, %d}", p.word(at), p.word(at+8))
}

func showResource(v uint64) string {
	if names := ns.Rlimits(); v < uint64(len(names)) {
		return "RLIMIT_" + strings.ToUpper(names[v])
	}
	return strconv.FormatUint(v, 10)
}

// showCapsets shows two struct __user_cap_data_struct: the low and the high words
// of three sets.
func showCapsets(p *Program, at int, _ uint64) string {
	set := func(i int) uint64 {
		low := binary.NativeEndian.Uint32(p.data[at+4*i:])
		return uint64(low) | uint64(binary.NativeEndian.Uint32(p.data[at+12+4*i:]))<<32
	}
	return fmt.Sprintf("{effective=0x%x, permitted=0x%x, inheritable=0x%x}", set(0), set(1), set(2))
}

func showRuleset(p *Program, at int, _ uint64) string {
	return fmt.Sprintf("{fs=0x%x, net=0x%x, scoped=0x%x}", p.word(at), p.word(at+8), p.word(at+16))
}

func showRule(p *Program, at int, _ uint64) string {
	return fmt.Sprintf("+0x%x {0x%x}", at, p.word(at))
}

func showFilter(p *Program, at int, _ uint64) string {
	return fmt.Sprintf("{%d instructions}", binary.NativeEndian.Uint16(p.data[at:]))
}
