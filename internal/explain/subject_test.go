// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"os"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

func TestMay(t *testing.T) {
	const all = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	maps := []ns.Extent{{Inside: 0, Outside: 1000, Size: 10}}
	of := func(kind, mode uint16, uid, gid uint32) *file { return &file{mode: kind | mode, uid: uid, gid: gid} }
	const reg, dir = unix.S_IFREG, unix.S_IFDIR
	for name, tt := range map[string]struct {
		f    *file
		caps uint64
		want uint16
		may  bool
	}{
		"the owner":                                   {of(reg, 0o400, 1000, 0), 0, 4, true},
		"the owner, though others may":                {of(reg, 0o077, 1000, 1000), 0, 4, false},
		"the group":                                   {of(reg, 0o040, 0, 1000), 0, 4, true},
		"another of its groups":                       {of(reg, 0o040, 0, 50), 0, 4, true},
		"others":                                      {of(reg, 0o004, 0, 0), 0, 4, true},
		"more than is permitted":                      {of(dir, 0o005, 0, 0), 0, 3, false},
		"a capability":                                {of(reg, 0, 1001, 1001), all, 6, true},
		"a capability that reads doesn't write":       {of(reg, 0, 1001, 1001), 1 << unix.CAP_DAC_READ_SEARCH, 2, false},
		"a capability that reads searches":            {of(dir, 0, 1001, 1001), 1 << unix.CAP_DAC_READ_SEARCH, 5, true},
		"a capability, and a file of another's":       {of(reg, 0, 0, 1000), all, 4, false},
		"a capability, and the group of another":      {of(reg, 0, 1000, 0), all, 4, false},
		"a capability, and nobody may execute":        {of(reg, 0o666, 1001, 1001), all, 1, false},
		"a capability, and somebody else may execute": {of(reg, 0o010, 1001, 1001), all, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &subject{uid: 1000, gid: 1000, groups: []uint32{50}, caps: tt.caps, uids: maps, gids: maps}
			if got := s.may(tt.f, tt.want); got != tt.may {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestReadSubject(t *testing.T) {
	s, err := readSubject(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if s.uid != uint32(os.Geteuid()) || s.gid != uint32(os.Getegid()) || len(s.uids) == 0 {
		t.Errorf("got %+v", s)
	}
	if _, err := readSubject(1 << 22); err == nil {
		t.Error("nobody has credentials")
	}
}

func TestInside(t *testing.T) {
	extents := []ns.Extent{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 1, Outside: 100000, Size: 10}}
	for id, want := range map[uint32]uint32{1000: 0, 100000: 1, 100009: 10} {
		if got := inside(extents, id); got != want {
			t.Errorf("%d: got %d, want %d", id, got, want)
		}
	}
}
