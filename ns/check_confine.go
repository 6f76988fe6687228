// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"slices"
	"strconv"
	"strings"
)

// confinement checks what the steps say that restrict the command's process.
func (f *faults) confinement(s *Step) {
	var err error
	switch s.Op {
	case OpRlimit:
		if _, ok := RlimitNumber(s.Target); !ok {
			f.add("not a resource limit: %s", quote(s.Target))
		}
		_, _, err = ParseRlimit(s.Data)
	case OpCaps:
		_, err = ParseCaps(s.Data)
	case OpLandlock:
		f.words(s.Data, LandlockScopes)
	case OpLandlockPath:
		f.words(s.Data, LandlockAccesses)
	case OpLandlockPort:
		f.words(s.Data, LandlockPorts)
		if _, err := strconv.ParseUint(s.Target, 10, 16); err != nil {
			f.add("not a port: %s", quote(s.Target))
		}
	case OpSeccomp:
		_, _, err = ParseFilter(s.Data)
	}
	if err != nil {
		f.add("%v", err)
	}
}

// words checks a set of words with commas between, each one of allowed.
func (f *faults) words(data string, allowed []string) {
	words := strings.Split(data, ",")
	for i, w := range words {
		switch {
		case !slices.Contains(allowed, w):
			f.add("%s is not one of %s", quote(w), strings.Join(allowed, ", "))
		case slices.Contains(words[:i], w):
			f.add("%s twice", quote(w))
		}
	}
}
