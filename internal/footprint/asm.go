// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package footprint

// madvise calls madvise(2) for the memory from start to end.
func madvise(start, end, advice uintptr)

// segments returns where the program's code starts, and where its variables do.
// Constants lie between.
func segments() (code, variables uintptr)

// address returns the address of p.
func address(p *[2 * pageSize]byte) uintptr
