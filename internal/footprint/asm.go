// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package footprint

// madvise calls madvise(2) for the memory from start to end.
func madvise(start, end, advice uintptr)

// segments returns where the program's code starts, where its variables start,
// and where they end. Constants lie between code and variables.
func segments() (code, variables, end uintptr)

// address returns the address of p.
func address(p *[2 * pageSize]byte) uintptr
