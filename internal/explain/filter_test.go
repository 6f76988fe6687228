// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// The instructions that the tests write filters with.
const (
	load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	and     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	equal   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	above   = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	atLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	some    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	jump    = unix.BPF_JMP | unix.BPF_JA
	ret     = unix.BPF_RET | unix.BPF_K

	allow = unix.SECCOMP_RET_ALLOW
	eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
)

func TestDecide(t *testing.T) {
	const id, nr = 0xc000003e, 7
	for name, tt := range map[string]struct {
		filter []ns.FilterInstr
		want   string
	}{
		"by number": {[]ns.FilterInstr{{Code: load}, {Code: equal, K: nr, JF: 1}, {Code: ret, K: eperm}, {Code: ret, K: allow}}, "EPERM, operation not permitted"},
		"by architecture": {[]ns.FilterInstr{{Code: load, K: 4}, {Code: equal, K: id, JT: 1}, {Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS}, {Code: ret, K: unix.SECCOMP_RET_LOG}},
			"allowed, and logged by the kernel"},
		"by a mask": {[]ns.FilterInstr{{Code: load, K: 20}, {Code: and}, {Code: equal, JF: 3}, {Code: load, K: 16}, {Code: and, K: 0xf0}, {Code: equal, JT: 1}, {Code: ret, K: eperm}, {Code: ret, K: allow}},
			"allowed if argument 0 & 0xf0 is 0x0; else EPERM, operation not permitted"},
		"by one of two numbers": {[]ns.FilterInstr{{Code: load, K: 24}, {Code: equal, K: 1, JT: 2}, {Code: equal, K: 2, JT: 1}, {Code: jump, K: 1}, {Code: ret, K: allow}, {Code: ret, K: eperm}},
			"allowed if argument 1 is 0x1, 0x2; else EPERM, operation not permitted"},
		"by all 64 bits": {[]ns.FilterInstr{{Code: load, K: 28}, {Code: equal, JF: 3}, {Code: load, K: 24}, {Code: equal, K: 5, JF: 1}, {Code: ret, K: allow}, {Code: ret, K: eperm}},
			"allowed if argument 1 is 0x5; else EPERM, operation not permitted"},
		"asked twice": {[]ns.FilterInstr{{Code: load, K: 16}, {Code: equal, K: 1, JT: 1}, {Code: ret, K: allow}, {Code: above, K: 1, JT: 1}, {Code: ret, K: eperm}, {Code: ret, K: unix.SECCOMP_RET_TRAP}},
			"EPERM, operation not permitted if argument 0 is 0x1; else allowed"},
		"by what is always so": {[]ns.FilterInstr{{Code: load, K: 20}, {Code: atLeast, JT: 1}, {Code: ret, K: eperm}, {Code: ret, K: allow}}, "allowed"},
		"by no bit at all":     {[]ns.FilterInstr{{Code: load, K: 16}, {Code: and}, {Code: above, JF: 1}, {Code: ret, K: eperm}, {Code: ret, K: allow}}, "allowed"},
		"by bits": {[]ns.FilterInstr{{Code: load, K: 16}, {Code: some, K: 3, JF: 1}, {Code: ret, K: allow}, {Code: ret, K: eperm}},
			"allowed if argument 0 has some bit of 0x3; else EPERM, operation not permitted"},
		"an instruction that no filter of seccomp has": {[]ns.FilterInstr{{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS}, {Code: ret}}, "its instruction 0 (code 0x30) is none that this knows"},
		"no end":                {[]ns.FilterInstr{{Code: load}}, "it ends without an answer"},
		"a jump beyond the end": {[]ns.FilterInstr{{Code: jump, K: ^uint32(0)}}, "it ends without an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			outcomes, err := decide(tt.filter, id, nr)
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case len(outcomes) == 1:
				got = answer(outcomes[0].action)
			default:
				got = conditions(outcomes)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAFilterOfManyWaysIsGivenUp(t *testing.T) {
	var filter []ns.FilterInstr
	for i := range uint32(20) {
		filter = append(filter, ns.FilterInstr{Code: load, K: 16}, ns.FilterInstr{Code: some, K: 1 << i})
	}
	_, err := decide(append(filter, ns.FilterInstr{Code: ret}), 0, 0)
	if err == nil || !strings.Contains(err.Error(), "4096 ways") {
		t.Errorf("got %v", err)
	}
}

func TestCapabilitiesOfCalls(t *testing.T) {
	for call, want := range map[string]string{"mount": "CAP_SYS_ADMIN", "chroot": "CAP_SYS_CHROOT", "read": "", "clone": ""} {
		if got := strings.Join(capabilitiesOf(call), ","); got != want {
			t.Errorf("%s asks for %q, want %q", call, got, want)
		}
	}
}
