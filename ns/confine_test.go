// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"math"
	"strings"
	"testing"
)

func TestCheckOfStepsThatConfine(t *testing.T) {
	good := []Step{
		{Op: OpRlimit, Target: "nofile", Data: "64:unlimited"}, {Op: OpCaps}, {Op: OpCaps, Data: "chown,+kill"},
		{Op: OpLandlock, Data: "fs,signal"}, {Op: OpLandlockPath, Target: "/usr", Data: "read,execute", IfExists: true},
		{Op: OpLandlockPort, Target: "443", Data: "connect-tcp"}, {Op: OpSeccomp, Data: "log BgAAAAAA/38="},
	}
	expect(t, CheckOffer(&Descriptor{}, &Request{}, &Offer{Steps: good}), "")
	for want, step := range map[string]Step{
		`not a resource limit: "moon"`:               {Op: OpRlimit, Target: "moon", Data: "1"},
		`not a limit: "+1" is neither a number`:      {Op: OpRlimit, Target: "core", Data: "+1"},
		"the soft limit 2 is above the hard limit 1": {Op: OpRlimit, Target: "core", Data: "2:1"},
		`not a capability: "CAP_KILL"`:               {Op: OpCaps, Data: "CAP_KILL"},
		"capability kill twice":                      {Op: OpCaps, Data: "kill,+kill"},
		`"net" is not one of fs, bind-tcp`:           {Op: OpLandlock, Data: "net"},
		`"read" twice`:                               {Op: OpLandlockPath, Target: "/", Data: "read,read"},
		`target is not an absolute path: "usr"`:      {Op: OpLandlockPath, Target: "usr", Data: "read"},
		`not a port: "65536"`:                        {Op: OpLandlockPort, Target: "65536", Data: "bind-tcp"},
		"filter is not in base64":                    {Op: OpSeccomp, Data: "{}"},
		"filter of 4 bytes: 1 to 4096 instructions":  {Op: OpSeccomp, Data: "AAAAAA=="},
		"filter of 0 bytes":                          {Op: OpSeccomp, Data: "log "},
		"phase must be setup":                        {Op: OpCaps, Phase: Inside},
		"data is missing":                            {Op: OpSeccomp},
		"target is not for this op":                  {Op: OpCaps, Target: "/"},
	} {
		t.Run(want, func(t *testing.T) {
			expect(t, CheckOffer(&Descriptor{}, &Request{}, &Offer{Steps: []Step{step}}), want)
		})
	}
}

func TestCheckOfStepsThatHide(t *testing.T) {
	mounts := &Request{Kinds: []Kind{Mount}}
	good := []Step{
		{Op: OpOverlay, Source: "/a", Target: "/b"}, {Op: OpOverlay, Source: "/a", Target: "/b", Data: "/c"},
		{Op: OpMask, Target: "/a", IfExists: true}, {Op: OpRemount, Target: "/a", Attrs: []Attr{ReadOnly}},
	}
	expect(t, CheckOffer(&Descriptor{}, mounts, &Offer{Steps: good}), "")
	for want, step := range map[string]Step{
		"attrs is missing":            {Op: OpRemount, Target: "/a"},
		"not a number of nanoseconds": {Op: OpTimeOffset, Target: "boottime", Data: "1s"},
		"not a clock that can be set": {Op: OpTimeOffset, Target: "realtime", Data: "1"},
		"needs a time namespace":      {Op: OpTimeOffset, Target: "boottime", Data: "1"},
		"target is the root itself":   {Op: OpMask, Target: "/"},
		"data is not an absolute pat": {Op: OpOverlay, Source: "/a", Target: "/b", Data: "c"},
		"phase must be setup":         {Op: OpOverlay, Source: "/a", Target: "/b", Phase: Inside},
	} {
		t.Run(want, func(t *testing.T) {
			expect(t, CheckOffer(&Descriptor{}, mounts, &Offer{Steps: []Step{step}}), want)
		})
	}
}

func TestCapsReadWhatTheyWrite(t *testing.T) {
	for _, text := range []string{"", "chown", "+chown,kill", strings.Join(Capabilities(), ",")} {
		caps, err := ParseCaps(text)
		if err != nil || caps.String() != text {
			t.Errorf("%q: got %q, %v", text, caps.String(), err)
		}
	}
	if n, ok := CapabilityNumber("CAP_SYS_ADMIN"); n != 21 || !ok {
		t.Errorf("CAP_SYS_ADMIN is %d, %v", n, ok)
	}
}

func TestLimitsReadWhatTheyWrite(t *testing.T) {
	for text, want := range map[string][2]uint64{"0:0": {}, "1:2": {1, 2}, "5:unlimited": {5, math.MaxUint64}} {
		soft, hard, err := ParseRlimit(text)
		if err != nil || soft != want[0] || hard != want[1] || FormatRlimit(soft, hard) != text {
			t.Errorf("%s: got %d, %d, %v", text, soft, hard, err)
		}
	}
}

func TestFiltersReadWhatTheyWrite(t *testing.T) {
	filter := []FilterInstr{{Code: 0x20, K: 4}, {Code: 0x15, JT: 1, JF: 2, K: 0xc000003e}}
	for _, log := range []bool{false, true} {
		got, logged, err := ParseFilter(EncodeFilter(filter, log))
		if err != nil || logged != log || len(got) != 2 || got[1] != filter[1] {
			t.Errorf("got %v, %v, %v", got, logged, err)
		}
	}
}
