// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package inherit

func giveBack() {}

// ToThread does nothing on this architecture.
func ToThread() {}

// ToRuntime does nothing on this architecture.
func ToRuntime() {}
