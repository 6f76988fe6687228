// SPDX-License-Identifier: Apache-2.0

package ns

// The limits of what a plugin may say, SPEC.md, "Limits". They keep a broken
// plugin from filling nsrun's memory or its user's screen; no honest use comes
// near them.
const (
	MaxString  = 64 << 10 // bytes of any one text
	MaxPath    = 4095     // bytes of a path; PATH_MAX of limits.h less the NUL
	MaxSteps   = 4096     // steps of one answer
	MaxOptions = 256      // options of one plugin
	MaxList    = 1024     // entries of any other list
	MaxState   = 1 << 20  // bytes of a hook's state
)
