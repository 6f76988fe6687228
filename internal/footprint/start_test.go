// SPDX-License-Identifier: Apache-2.0

package footprint

import (
	"encoding/binary"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestMemoryIsThereBeforeItIsTouched(t *testing.T) {
	if address(sample) == 0 {
		t.Skip("nothing is done on this architecture")
	}
	next := address(sample) &^ (pageSize - 1)
	until := min(next+heapSize, roundUp(next+1, heapUnit))
	if absent := missing(t, next, until); absent > 0 {
		t.Errorf("%d of %d pages of the heap are missing", absent, (until-next)/pageSize)
	}
}

// missing returns how many pages from start to end have no memory yet; mincore(2).
func missing(t *testing.T, start, end uintptr) (n int) {
	t.Helper()
	vec := make([]byte, (end-start)/pageSize)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, start, end-start, uintptr(unsafe.Pointer(&vec[0])))
	if errno != 0 {
		t.Fatal("mincore:", errno)
	}
	for _, v := range vec {
		if v&1 == 0 {
			n++
		}
	}
	return n
}

// mapped returns how many pages from start to end this process has mapped, whether
// or not the kernel has them in memory as well; /proc/pid/pagemap of proc(5).
func mapped(t *testing.T, start, end uintptr) (n int) {
	t.Helper()
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries := make([]byte, (end-start)/pageSize*8)
	if _, err := f.ReadAt(entries, int64(start/pageSize*8)); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(entries); i += 8 {
		if binary.NativeEndian.Uint64(entries[i:])>>63 != 0 {
			n++
		}
	}
	return n
}
