// SPDX-License-Identifier: Apache-2.0

package program

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Builder makes a program, one instruction after the other. The zero value is
// ready for use.
type Builder struct {
	p      Program
	step   int
	log    Reg
	clock  bool
	labels []int  // where each label stands
	jumps  []jump // instructions whose Else is a label yet
}

type jump struct {
	instr int
	label Label
}

// Label is a place in the program that instructions can go on at.
type Label int

// Begin starts the instructions of a step; -1 for those that belong to none.
// The title is what the step does, in words.
func (b *Builder) Begin(step int, title string) {
	b.step = step
	b.log = 0
	b.p.sections = append(b.p.sections, section{start: len(b.p.Instrs), title: title})
	if b.clock {
		b.Do(Stamp)
	}
}

// Clock has Begin, from now on, add a look at the clock, or no longer.
func (b *Builder) Clock(on bool) { b.clock = on }

// Call adds a system call whose result isn't needed.
func (b *Builder) Call(nr uintptr, args ...Arg) { b.add(Instr{Op: Call, Nr: nr}, args) }

// Result adds a system call and returns the register that takes its result.
func (b *Builder) Result(nr uintptr, args ...Arg) Reg {
	r := b.Reg()
	b.ResultIn(r, nr, args...)
	return r
}

// ResultIn adds a system call whose result goes to r.
func (b *Builder) ResultIn(r Reg, nr uintptr, args ...Arg) {
	b.add(Instr{Op: Call, Nr: nr, Save: r}, args)
}

// Full makes the last call fail with ENOSPC unless its result is its argument
// number arg, counted from 0, as of a write(2) that leaves nothing out.
func (b *Builder) Full(arg uint8) { b.last().Full = arg }

// Explain says that fs is the file system context whose messages explain a
// failure of the calls that follow in this step. The zero Reg ends that.
func (b *Builder) Explain(fs Reg) { b.log = fs }

// Tolerate lets the program go on after the last call if that fails with one
// of errnos.
func (b *Builder) Tolerate(errnos ...syscall.Errno) {
	copy(b.last().Tolerate[:], errnos)
	b.last().Else = len(b.p.Instrs)
}

// Else lets the program go on at label if the last call fails with one of errnos.
func (b *Builder) Else(label Label, errnos ...syscall.Errno) {
	copy(b.last().Tolerate[:], errnos)
	b.jumps = append(b.jumps, jump{len(b.p.Instrs) - 1, label})
}

// SkipIf adds an instruction that goes on at label if the call that was saved
// in r succeeded.
func (b *Builder) SkipIf(r Reg, label Label) { b.branch(SkipIf, r, label) }

// SkipUnless adds an instruction that goes on at label if the call that was
// saved in r failed.
func (b *Builder) SkipUnless(r Reg, label Label) { b.branch(SkipUnless, r, label) }

func (b *Builder) branch(op Op, r Reg, label Label) {
	b.add(Instr{Op: op}, []Arg{r.Arg()})
	b.jumps = append(b.jumps, jump{len(b.p.Instrs) - 1, label})
}

// Or16 adds an instruction that sets bits in the 16-bit word at addr.
func (b *Builder) Or16(addr Arg, bits uint16) {
	b.add(Instr{Op: Or16}, []Arg{addr, Uint(uint64(bits))})
}

// Store32 adds an instruction that stores v in the 32-bit word at addr.
func (b *Builder) Store32(addr, v Arg) { b.add(Instr{Op: Store32}, []Arg{addr, v}) }

// Fork adds an instruction after which the first process goes on at label and
// its child with what follows.
func (b *Builder) Fork(label Label) {
	b.add(Instr{Op: Fork}, nil)
	b.jumps = append(b.jumps, jump{len(b.p.Instrs) - 1, label})
}

// Same adds an instruction that fails with EEXIST unless n bytes at x and at y
// are the same.
func (b *Builder) Same(x, y Arg, n int) { b.add(Instr{Op: Same}, []Arg{x, y, Int(n)}) }

// IDMap adds an instruction that has the front map the ids of the mounts tree, unless
// the call that was saved there failed.
func (b *Builder) IDMap(tree Reg) { b.add(Instr{Op: IDMap}, []Arg{tree.Arg()}) }

// Do adds an instruction without arguments: Await, Alive, Outlive, Mask, Reign,
// Stamp or Fail.
func (b *Builder) Do(op Op) { b.add(Instr{Op: op}, nil) }

// Exec adds an attempt to execute path.
func (b *Builder) Exec(path, argv, envp Arg) {
	b.add(Instr{Op: Exec, Nr: syscall.SYS_EXECVE}, []Arg{path, argv, envp})
}

// Reg returns a new register.
func (b *Builder) Reg() Reg {
	if b.p.regs == 0 {
		b.p.regs = 1
	}
	b.p.regs++
	return Reg(b.p.regs - 1)
}

// Label returns a new label, which must be placed before the program is built.
func (b *Builder) Label() Label {
	b.labels = append(b.labels, -1)
	return Label(len(b.labels) - 1)
}

// Place puts label in front of the next instruction.
func (b *Builder) Place(label Label) { b.labels[label] = len(b.p.Instrs) }

// String adds s and a null byte to the data and returns its address.
func (b *Builder) String(s string) Arg {
	at := len(b.p.data)
	b.p.data = append(append(b.p.data, s...), 0)
	return Arg{address, uint64(at)}
}

// Bytes adds data, aligned for any type, and returns its address.
func (b *Builder) Bytes(data []byte) Arg {
	at := b.align()
	b.p.data = append(b.p.data, data...)
	return Arg{address, uint64(at)}
}

// Words adds 64-bit words and returns the address of the first.
func (b *Builder) Words(words ...uint64) Arg {
	at := b.align()
	for _, w := range words {
		b.p.data = binary.NativeEndian.AppendUint64(b.p.data, w)
	}
	return Arg{address, uint64(at)}
}

// Struct adds a copy of the value at p and returns its address. T must hold no
// pointers.
func Struct[T any](b *Builder, p *T) Arg {
	return b.Bytes(unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)))
}

// Strings adds a list of strings as execve(2) wants it, a null pointer at its
// end, and returns its address.
func (b *Builder) Strings(list []string) Arg {
	addrs := make([]uint64, len(list)+1)
	for i, s := range list {
		addrs[i] = b.String(s).value
	}
	at := b.align()
	for i := range list {
		b.p.relocs = append(b.p.relocs, at+8*i)
	}
	return b.Words(addrs...)
}

// Filter adds a BPF program as seccomp(2) wants it, struct sock_fprog, and
// returns its address.
func (b *Builder) Filter(filter []unix.SockFilter) Arg {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&filter[0])), len(filter)*int(unsafe.Sizeof(filter[0])))
	instrs := b.Bytes(raw)
	var length [8]byte
	binary.NativeEndian.PutUint16(length[:], uint16(len(filter)))
	prog := b.Bytes(length[:])
	b.p.relocs = append(b.p.relocs, b.align())
	b.Words(instrs.value)
	return prog
}

// Program returns what was built. The builder must not be used afterwards.
func (b *Builder) Program() *Program {
	for _, j := range b.jumps {
		b.p.Instrs[j.instr].Else = b.labels[j.label]
	}
	return &b.p
}

func (b *Builder) add(i Instr, args []Arg) {
	i.N = copy(i.Args[:], args)
	i.Step, i.Log = b.step, b.log
	b.p.Instrs = append(b.p.Instrs, i)
}

func (b *Builder) last() *Instr { return &b.p.Instrs[len(b.p.Instrs)-1] }

// align makes the next byte of data start at a multiple of eight.
func (b *Builder) align() int {
	for len(b.p.data)%8 != 0 {
		b.p.data = append(b.p.data, 0)
	}
	return len(b.p.data)
}
