// SPDX-License-Identifier: Apache-2.0

// Package program is the language between the front and the child that it
// cloned: a flat list of system calls with all their arguments, made before the
// child needs them. The child is a fork of a Go process and can neither allocate
// nor grow its stack, so whatever has to be decided, resolved or formatted is
// done here, in data that can be printed and compared.
//
// A [Builder] makes a [Program]. [Program.Image] lays it out as the child reads
// it; package machine carries it out.
package program

import "syscall"

// Op says what an instruction does.
type Op uint8

// The ops. All but Call stand for what no single system call can do.
const (
	// Call makes the system call Nr with Args.
	Call Op = iota
	// SkipIf goes on at Else if the register in the first argument holds the
	// result of a call that succeeded.
	SkipIf
	// SkipUnless goes on at Else if the call failed, with a tolerated error.
	SkipUnless
	// Or16 sets the bits of the second argument in the 16-bit word that the first
	// points to.
	Or16
	// Store32 stores the second argument in the 32-bit word that the first points
	// to.
	Store32
	// Same fails with EEXIST unless the bytes that the first two arguments point to
	// are the same, as many as the third argument says.
	Same
	// Await waits until the front lets the child proceed, and ends it if the front
	// dies instead.
	Await
	// IDMap has the front map the ids of the mounts whose descriptor is in the register
	// of the first argument, and waits for that. It ends the child if the front dies
	// instead.
	IDMap
	// Outlive waits until the front has died, and ends the child if it lets it
	// proceed instead.
	Outlive
	// Alive ends the child at once if the front has died.
	Alive
	// Mask restores the signal mask that the front was started with.
	Mask
	// Fork splits the process: its child goes on with the program, the one that
	// there was goes on at Else, or becomes an init at once if that is 0.
	Fork
	// Reign makes the first process of a Fork an init, which never comes back.
	Reign
	// Exec calls execve(2) with Args, and remembers why it failed if the file
	// isn't there or can't be executed.
	Exec
	// Stamp tells the front the time.
	Stamp
	// Fail ends the child with what Exec remembered.
	Fail
)

// Reg names a register: a place for the result of a call. The zero Reg is none.
type Reg uint16

// Arg is one argument of an instruction.
type Arg struct {
	kind  argKind
	value uint64
}

type argKind uint8

const (
	immediate argKind = iota
	register
	address // offset in the data
)

// Int returns an argument with the value v.
func Int(v int) Arg { return Arg{immediate, uint64(v)} }

// Uint returns an argument with the value v.
func Uint(v uint64) Arg { return Arg{immediate, v} }

// Arg returns r as an argument: the result of the call that was saved in r.
func (r Reg) Arg() Arg { return Arg{register, uint64(r)} }

// Plus returns the address n bytes after a.
func (a Arg) Plus(n int) Arg {
	a.value += uint64(n)
	return a
}

// Instr is one instruction.
type Instr struct {
	Op   Op
	Nr   uintptr // the system call, if Op is Call or Exec
	Args [6]Arg
	N    int // how many of Args are used
	// Save takes the result; the zero Reg drops it.
	Save Reg
	// Tolerate lists error numbers after which the program goes on, at Else.
	Tolerate [MaxTolerated]syscall.Errno
	// Else is the index of the instruction to go on with.
	Else int
	// Full is the number of the argument that the result must equal; 0 for none.
	Full uint8
	// Log is the file system context, if any, whose messages explain a failure.
	Log Reg
	// Step is the index of the step that the instruction belongs to, or -1.
	Step int
}

// RuleNetPort is LANDLOCK_RULE_NET_PORT of landlock_add_rule(2).
const RuleNetPort = 2

// MaxTolerated is how many error numbers an instruction can tolerate.
const MaxTolerated = 4

// Program is a list of instructions with their data. It is not changed once
// it is built.
type Program struct {
	Instrs   []Instr
	sections []section
	data     []byte
	relocs   []int // offsets in data of words that hold an offset in data
	regs     int   // how many registers there are, the unused zero included
}

// Count returns how many instructions do op.
func (p *Program) Count(op Op) (n int) {
	for i := range p.Instrs {
		if p.Instrs[i].Op == op {
			n++
		}
	}
	return n
}

// section is a title over the instructions from start on.
type section struct {
	start int
	title string
}
