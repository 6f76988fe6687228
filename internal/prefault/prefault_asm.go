// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package prefault

// populate calls madvise(2) with MADV_POPULATE_WRITE, which Linux has since 5.14.
// An older kernel refuses, and the pages come one by one as ever.
func populate(start, end uintptr)

// data returns where the program's variables start and end.
func data() (start, end uintptr)

// address returns the address of p.
func address(p *[2 * pageSize]byte) uintptr
