// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// lets reports whether an answer of a filter lets the call through.
func lets(action uint32) bool {
	full := action & unix.SECCOMP_RET_ACTION_FULL
	return full == unix.SECCOMP_RET_ALLOW || full == unix.SECCOMP_RET_LOG
}

// answer says in words what a filter's answer does; seccomp(2).
func answer(action uint32) string {
	switch action & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_ALLOW:
		return "allowed"
	case unix.SECCOMP_RET_LOG:
		return "allowed, and logged by the kernel"
	case unix.SECCOMP_RET_ERRNO:
		errno := unix.Errno(action & unix.SECCOMP_RET_DATA)
		return fmt.Sprintf("%s, %v", unix.ErrnoName(errno), errno)
	case unix.SECCOMP_RET_TRAP:
		return "SIGSYS"
	case unix.SECCOMP_RET_KILL_THREAD, unix.SECCOMP_RET_KILL_PROCESS:
		return "killed by SIGSYS"
	}
	return fmt.Sprintf("whatever a supervisor says (%#x)", action)
}

// errnoOf returns the error number of an answer that is one.
func errnoOf(action uint32) unix.Errno {
	if action&unix.SECCOMP_RET_ACTION_FULL != unix.SECCOMP_RET_ERRNO {
		return 0
	}
	return unix.Errno(action & unix.SECCOMP_RET_DATA)
}

// conditions says which answer comes when: "allowed if argument 0 & 0x7e020000 is 0x0;
// else EPERM, operation not permitted".
func conditions(outcomes []outcome) string {
	last := len(outcomes) - 1
	var parts []string
	for _, o := range outcomes[:last] {
		parts = append(parts, answer(o.action)+" if "+waysText(o.ways))
	}
	return strings.Join(parts, "; ") + "; else " + answer(outcomes[last].action)
}

// waysText says what must hold of the arguments, in one way or another. Ways that are
// equalities of the same bits are said as one.
func waysText(ways [][]condition) string {
	var texts []string
	var before word
	for _, way := range ways {
		kept := essence(way)
		equality := len(kept) == 1 && kept[0].jump == unix.BPF_JEQ && kept[0].holds
		switch {
		case equality && before == kept[0].word:
			texts[len(texts)-1] += fmt.Sprintf(", %#x", kept[0].number)
			continue
		case equality:
			before = kept[0].word
		default:
			before = word{}
		}
		texts = append(texts, join(kept))
	}
	return strings.Join(texts, ", or ")
}

func join(way []condition) string {
	texts := make([]string, len(way))
	for i, c := range way {
		texts[i] = c.String()
	}
	return strings.Join(texts, " and ")
}

// essence returns the conditions of a way that don't follow from its equalities.
func essence(way []condition) (kept []condition) {
	for _, c := range way {
		if !c.impliedBy(way) {
			kept = append(kept, c)
		}
	}
	return kept
}

// impliedBy reports whether a condition follows from an equality about the same bits, or
// is that the upper half of an argument is zero where the lower half is given.
func (c condition) impliedBy(way []condition) bool {
	return slices.ContainsFunc(way, func(e condition) bool {
		lower := c.jump == unix.BPF_JEQ && c.holds && c.number == 0 && c.word.upper() && e.word.offset == c.word.offset-4
		return e.jump == unix.BPF_JEQ && e.holds && e != c && (e.word == c.word || lower)
	})
}

// upper reports whether a word is the upper half of an argument, in little endian.
func (w word) upper() bool { return (w.offset-offsetArgs)%8 == 4 }

// String returns the condition in words.
func (c condition) String() string {
	what := fmt.Sprintf("argument %d", (int(c.word.offset)-offsetArgs)/8)
	if c.word.offset < offsetArgs {
		what = "the caller's address"
	}
	if c.word.upper() {
		what = "the upper half of " + what
	}
	if c.word.mask != ^uint32(0) {
		what += fmt.Sprintf(" & %#x", c.word.mask)
	}
	words := map[uint16][2]string{
		unix.BPF_JEQ: {"is not", "is"}, unix.BPF_JGT: {"is at most", "is above"},
		unix.BPF_JGE: {"is below", "is at least"}, unix.BPF_JSET: {"has no bit of", "has some bit of"},
	}
	word := words[c.jump][0]
	if c.holds {
		word = words[c.jump][1]
	}
	return fmt.Sprintf("%s %s %#x", what, word, c.number)
}
