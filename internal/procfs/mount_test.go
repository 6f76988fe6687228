// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseMounts(t *testing.T) {
	table := ParseMounts("24 21 0:23 / /with\\040space ro,noexec shared:3 - tmpfs tmpfs rw,size=1k\ndamaged\n")
	if len(table) != 1 {
		t.Fatalf("got %v", table)
	}
	m := table[0]
	if m != (Mount{24, "/with space", "tmpfs", "ro,noexec", "rw,size=1k"}) {
		t.Errorf("got %+v", m)
	}
	if !m.Has("ro") || m.Has("exec") || m.SuperHas("ro") || !m.SuperHas("rw") {
		t.Errorf("its options are read wrongly: %+v", m)
	}
}

func TestMountsHaveTheIDsOfStatx(t *testing.T) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, "/proc", 0, unix.STATX_MNT_ID, &st); err != nil {
		t.Fatal(err)
	}
	for _, m := range ParseMounts(Read(os.Getpid(), "mountinfo")) {
		if uint64(m.ID) == st.Mnt_id {
			if m.Point != "/proc" {
				t.Errorf("mount %d is on %s", m.ID, m.Point)
			}
			return
		}
	}
	t.Errorf("no mount has the id %d", st.Mnt_id)
}
