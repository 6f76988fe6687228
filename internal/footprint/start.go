// SPDX-License-Identifier: Apache-2.0

// Package footprint has the kernel provide memory that this program is about to
// touch in one system call instead of some 30 page faults, and gives memory back
// when the program is at rest. A fault costs many times what the page itself does,
// above all in a virtual machine. For the heap, importing the package is all that
// there is to do.
//
// It imports no package, and so it is initialized before those that do, right
// after the runtime (Go specification, "Package initialization").
package footprint

// The first 128 KiB above what the runtime has taken from the heap by then, of which
// every run of nsrun uses all. To ask for more, or for the program's variables, most
// of which the runtime has touched by then, takes longer than the faults do.
const heapSize = 128 << 10

// heapUnit is what the runtime maps the heap in; memory behind its end may not
// be there yet.
const heapUnit = 4 << 20

const pageSize = 4096

// sample is kept to be on the heap.
var sample *[2 * pageSize]byte

func init() {
	sample = new([2 * pageSize]byte)
	next := address(sample) &^ (pageSize - 1)
	madvise(next, min(next+heapSize, roundUp(next+1, heapUnit)), populateWrite)
}

// populateWrite is MADV_POPULATE_WRITE, which Linux has since 5.14. An older
// kernel refuses, and the pages come one by one as ever.
const populateWrite = 23

func roundUp(addr, unit uintptr) uintptr { return (addr + unit - 1) &^ (unit - 1) }
