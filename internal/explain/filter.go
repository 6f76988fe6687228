// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Where a filter finds what it decides on; struct seccomp_data of seccomp(2).
const (
	offsetNr   = 0
	offsetArch = 4
	offsetArgs = 16
	endOfData  = 64
)

// outcome is an answer of a filter and the ways to it; a way is what must hold of the
// call's arguments.
type outcome struct {
	action uint32 // SECCOMP_RET_*
	ways   [][]condition
}

// word is what a filter's accumulator holds: a number, or 32 bits of an argument under
// a mask.
type word struct {
	number uint32
	known  bool
	offset uint32 // of the argument's half in struct seccomp_data
	mask   uint32
}

// condition is a comparison with something that isn't known.
type condition struct {
	word   word
	jump   uint16 // BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET
	number uint32
	holds  bool
}

// tracer follows a filter on all ways that the arguments of one call can take it.
type tracer struct {
	filter   []ns.FilterInstr
	arch, nr uint32
	outcomes []outcome
	ways     int
}

// maxWays bounds how many ways through a filter are followed. The profiles that ship
// have 20 at most.
const maxWays = 4096

// decide returns what a filter answers to the call nr of an architecture, in the order
// in which it asks.
func decide(filter []ns.FilterInstr, arch, nr uint32) ([]outcome, error) {
	t := &tracer{filter: filter, arch: arch, nr: nr}
	err := t.follow(0, word{known: true}, nil)
	return t.outcomes, err
}

// follow goes on at the instruction pc, where the accumulator holds acc and before held.
// Jumps of the kernel's filters lead forward only, so this ends.
func (t *tracer) follow(pc int, acc word, before []condition) error {
	for pc < len(t.filter) {
		in := t.filter[pc]
		pc++
		switch {
		case in.Code == unix.BPF_LD|unix.BPF_W|unix.BPF_ABS && in.K < endOfData:
			acc = t.load(in.K)
		case in.Code == unix.BPF_ALU|unix.BPF_AND|unix.BPF_K:
			acc = acc.and(in.K)
		case in.Code == unix.BPF_JMP|unix.BPF_JA:
			pc += int(in.K)
		case in.Code&0x0f == unix.BPF_JMP|unix.BPF_K && in.Code&0xf0 != 0:
			return t.branch(pc, in, acc, before)
		case in.Code == unix.BPF_RET|unix.BPF_K:
			return t.end(in.K, before)
		default:
			return fmt.Errorf("its instruction %d (code %#x) is none that this knows", pc-1, in.Code)
		}
	}
	return fmt.Errorf("it ends without an answer")
}

// load returns the word at an offset of struct seccomp_data.
func (t *tracer) load(offset uint32) word {
	switch offset {
	case offsetNr:
		return word{number: t.nr, known: true}
	case offsetArch:
		return word{number: t.arch, known: true}
	}
	return word{offset: offset, mask: ^uint32(0)}
}

func (w word) and(mask uint32) word {
	w.number, w.mask = w.number&mask, w.mask&mask
	w.known = w.known || w.mask == 0
	return w
}

// branch follows one way behind a conditional jump, or both if it isn't known which.
func (t *tracer) branch(pc int, in ns.FilterInstr, acc word, before []condition) error {
	c := condition{word: acc, jump: in.Code & 0xf0, number: in.K}
	certain, known := c.settled(before)
	for _, c.holds = range []bool{true, false} {
		if known && c.holds != certain {
			continue
		}
		skip, after := in.JF, before
		if c.holds {
			skip = in.JT
		}
		if !known {
			after = append(before[:len(before):len(before)], c)
		}
		if err := t.follow(pc+int(skip), acc, after); err != nil {
			return err
		}
	}
	return nil
}

// settled returns whether a condition holds after others, and whether that is known.
func (c condition) settled(before []condition) (holds, known bool) {
	switch {
	case c.word.known:
		return compare(c.word.number, c.jump, c.number), true
	case c.jump == unix.BPF_JGE && c.number == 0:
		return true, true
	}
	for _, b := range before {
		switch {
		case b.word != c.word:
		case b.jump == unix.BPF_JEQ && b.holds:
			return compare(b.number, c.jump, c.number), true
		case b.jump == c.jump && b.number == c.number:
			return b.holds, true
		}
	}
	return false, false
}

// compare does what a conditional jump does.
func compare(a uint32, jump uint16, b uint32) bool {
	switch jump {
	case unix.BPF_JEQ:
		return a == b
	case unix.BPF_JGT:
		return a > b
	case unix.BPF_JGE:
		return a >= b
	}
	return a&b != 0 // BPF_JSET
}

// end notes an answer and the way to it.
func (t *tracer) end(action uint32, way []condition) error {
	if t.ways++; t.ways > maxWays {
		return fmt.Errorf("it has more than %d ways to an answer", maxWays)
	}
	for i := range t.outcomes {
		if o := &t.outcomes[i]; o.action == action {
			o.ways = append(o.ways, way)
			return nil
		}
	}
	t.outcomes = append(t.outcomes, outcome{action, [][]condition{way}})
	return nil
}
