// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// condition compares an argument of a call, all 64 bits of it.
type condition struct {
	arg         uint
	op          specs.LinuxSeccompOperator
	value, mask uint64
}

// conditionsOf returns the conditions of a rule. More than one on the same
// argument mean, as in runc, that one of them is enough: each is then a rule of
// its own.
func conditionsOf(args []specs.LinuxSeccompArg) (alternatives [][]condition, err error) {
	var all []condition
	repeated := false
	for i, arg := range args {
		c := condition{arg: arg.Index, op: arg.Op, value: arg.Value, mask: ^uint64(0)}
		if arg.Op == specs.OpMaskedEqual {
			c.mask, c.value = arg.Value, arg.ValueTwo
		}
		switch {
		case arg.Index > 5:
			return nil, fmt.Errorf("there is no argument %d", arg.Index)
		case c.test() == nil:
			return nil, fmt.Errorf("there is no comparison %q", arg.Op)
		}
		repeated = repeated || slices.ContainsFunc(args[:i], func(a specs.LinuxSeccompArg) bool { return a.Index == arg.Index })
		all = append(all, c)
	}
	if !repeated {
		return [][]condition{all}, nil
	}
	for _, c := range all {
		alternatives = append(alternatives, []condition{c})
	}
	return alternatives, nil
}

// elsewhere marks a jump to what comes behind the rule, whose place match knows.
const elsewhere = 255

// test returns code that goes on behind itself if the condition holds, and
// elsewhere otherwise. A filter compares 32 bits at a time: the high half decides
// unless it is equal.
func (c condition) test() []ns.FilterInstr {
	high, low := uint32(c.value>>32), uint32(c.value)
	loadHigh := ns.FilterInstr{Code: load, K: offsetArgs + 8*uint32(c.arg) + 4}
	loadLow := ns.FilterInstr{Code: load, K: offsetArgs + 8*uint32(c.arg)}
	equal := ns.FilterInstr{Code: ifEqual, K: high, JF: elsewhere}
	switch c.op {
	case specs.OpEqualTo:
		return []ns.FilterInstr{loadHigh, equal, loadLow, {Code: ifEqual, K: low, JF: elsewhere}}
	case specs.OpNotEqual:
		return []ns.FilterInstr{loadHigh, {Code: ifEqual, K: high, JF: 2}, loadLow, {Code: ifEqual, K: low, JT: elsewhere}}
	case specs.OpMaskedEqual:
		return []ns.FilterInstr{
			loadHigh, {Code: and, K: uint32(c.mask >> 32)}, equal,
			loadLow, {Code: and, K: uint32(c.mask)}, {Code: ifEqual, K: low, JF: elsewhere},
		}
	case specs.OpGreaterThan:
		return []ns.FilterInstr{loadHigh, {Code: ifGreater, K: high, JT: 3}, equal, loadLow, {Code: ifGreater, K: low, JF: elsewhere}}
	case specs.OpGreaterEqual:
		return []ns.FilterInstr{loadHigh, {Code: ifGreater, K: high, JT: 3}, equal, loadLow, {Code: ifAtLeast, K: low, JF: elsewhere}}
	case specs.OpLessThan:
		return []ns.FilterInstr{loadHigh, {Code: ifAtLeast, K: high, JF: 3}, equal, loadLow, {Code: ifAtLeast, K: low, JT: elsewhere}}
	case specs.OpLessEqual:
		return []ns.FilterInstr{loadHigh, {Code: ifAtLeast, K: high, JF: 3}, equal, loadLow, {Code: ifGreater, K: low, JT: elsewhere}}
	}
	return nil
}
