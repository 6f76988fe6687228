// SPDX-License-Identifier: Apache-2.0

package prefault

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestMemoryIsThereBeforeItIsTouched(t *testing.T) {
	start, end := data()
	if start == 0 {
		t.Skip("nothing is done on this architecture")
	}
	if absent := missing(t, start&^(pageSize-1), roundUp(end, pageSize)); absent > 0 {
		t.Errorf("%d pages of the program's variables are missing", absent)
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
