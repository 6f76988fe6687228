// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Where a filter finds what it decides on; struct seccomp_data of seccomp(2).
// The low half of an argument comes first on all architectures with a table of
// calls.
const (
	offsetNr   = 0
	offsetArch = 4
	offsetArgs = 16
)

// The instructions of classic BPF that filters are made of; bpf(4) of the BSDs.
const (
	load      = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	and       = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	jump      = unix.BPF_JMP | unix.BPF_JA
	ifEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifGreater = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	ifAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	ret       = unix.BPF_RET | unix.BPF_K
)

// x32Bit is in the numbers of calls of the x32 ABI, whose architecture is the
// same as that of 64-bit ones; syscall(2).
const x32Bit = 0x40000000

// assemble returns the filter. Calls of another architecture's ABI, such as
// 32-bit ones, don't exist for the command; nor do those that no table knows,
// newer than this plugin: programs then fall back on older calls, which they
// wouldn't on EPERM.
func (p *policy) assemble() ([]ns.FilterInstr, error) {
	unknown := p.rest
	if unknown.isErrno() {
		unknown = refuse(unix.ENOSYS)
	}
	code := []ns.FilterInstr{
		{Code: load, K: offsetArch},
		{Code: ifEqual, K: uint32(p.calls.ID), JT: 1},
		{Code: ret, K: uint32(refuse(unix.ENOSYS))},
		{Code: load, K: offsetNr},
		{Code: ifAtLeast, K: x32Bit, JF: 1},
		{Code: ret, K: uint32(refuse(unix.ENOSYS))},
	}
	plain := map[action][]uint32{}
	for _, nr := range p.numbers() {
		conditional, otherwise := p.decide(p.calls.SyscallNumbers[nr])
		switch {
		case len(conditional) > 0:
			code = append(code, block(uint32(nr), conditional, otherwise)...)
		case otherwise != unknown:
			plain[otherwise] = append(plain[otherwise], uint32(nr))
		}
	}
	for _, a := range sorted(plain) {
		for numbers := range slices.Chunk(plain[a], maxJump) {
			code = append(code, chunk(numbers, a)...)
		}
	}
	code = append(code, ns.FilterInstr{Code: ret, K: uint32(unknown)})
	if len(code) > ns.MaxFilter {
		return nil, fmt.Errorf("assemble the filter: %d instructions, and %d are the kernel's limit", len(code), ns.MaxFilter)
	}
	return code, nil
}

// sorted returns the actions of m, that of the most calls first: they are likely
// the most frequent ones too.
func sorted(m map[action][]uint32) []action {
	var actions []action
	for a := range m {
		actions = append(actions, a)
	}
	slices.SortFunc(actions, func(a, b action) int {
		if d := len(m[b]) - len(m[a]); d != 0 {
			return d
		}
		return int(int64(a) - int64(b))
	})
	return actions
}

// numbers returns the numbers of all calls, in order.
func (p *policy) numbers() (numbers []int) {
	for nr := range p.calls.SyscallNumbers {
		numbers = append(numbers, nr)
	}
	slices.Sort(numbers)
	return numbers
}

// maxJump is the furthest that a conditional jump goes.
const maxJump = 255 - 1

// chunk returns the code for calls to which the same happens, maxJump at most.
func chunk(numbers []uint32, a action) []ns.FilterInstr {
	var code []ns.FilterInstr
	for i, nr := range numbers {
		code = append(code, ns.FilterInstr{Code: ifEqual, K: nr, JT: uint8(len(numbers) - i)})
	}
	return append(code, ns.FilterInstr{Code: jump, K: 1}, ns.FilterInstr{Code: ret, K: uint32(a)})
}

// block returns the code for one call, which always ends in a decision: what has
// been loaded by then is an argument, and no longer the call's number.
func block(nr uint32, rules []rule, otherwise action) []ns.FilterInstr {
	var body []ns.FilterInstr
	for _, r := range rules {
		body = append(body, match(r)...)
	}
	body = append(body, ns.FilterInstr{Code: ret, K: uint32(otherwise)})
	head := []ns.FilterInstr{{Code: ifEqual, K: nr, JT: 1}, {Code: jump, K: uint32(len(body))}}
	return append(head, body...)
}

// match returns the code that takes the rule's action if all its conditions
// hold, and goes on behind itself otherwise.
func match(r rule) []ns.FilterInstr {
	var code []ns.FilterInstr
	for _, c := range r.conditions {
		code = append(code, c.test()...)
	}
	for i := range code {
		// The action stands behind the last test, and what comes next behind that.
		behind := uint8(len(code) - i)
		if code[i].JT == elsewhere {
			code[i].JT = behind
		}
		if code[i].JF == elsewhere {
			code[i].JF = behind
		}
	}
	return append(code, ns.FilterInstr{Code: ret, K: uint32(r.action)})
}
