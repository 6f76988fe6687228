// SPDX-License-Identifier: Apache-2.0

package footprint

// Rest gives back the code and the constants of a program that will only wait
// from now on: the kernel has them in its cache and maps them again, page by
// page, as they are needed. The heap stays as it is: to collect so little garbage
// takes more memory than it gives back.
func Rest() {
	code, variables := segments()
	madvise(code&^(pageSize-1), variables&^(pageSize-1), dontNeed)
}

// dontNeed is MADV_DONTNEED.
const dontNeed = 4
