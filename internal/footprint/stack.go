// SPDX-License-Identifier: Apache-2.0

package footprint

// Stack grows the caller's stack in one step, to the 16 KiB that a run of nsrun needs.
// While it is nearly empty that costs next to nothing; otherwise the runtime doubles
// it three times, and looks for pointers in all that is on it each time.
//
//go:noinline
func Stack() {
	var room [12 << 10]byte
	use(&room)
}

//go:noinline
func use(*[12 << 10]byte) {}
