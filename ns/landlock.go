// SPDX-License-Identifier: Apache-2.0

package ns

// LandlockScopes are the words of [OpLandlock]: what can be restricted. "fs" is
// every access to files that the kernel can restrict, the last two are what may
// leave the command's own domain; landlock(7).
var LandlockScopes = []string{"fs", "bind-tcp", "connect-tcp", "abstract-unix", "signal"}

// LandlockAccesses are the words of [OpLandlockPath]. "write" includes making,
// removing and renaming; "execute" does not include reading.
var LandlockAccesses = []string{"read", "write", "execute"}

// LandlockPorts are the words of [OpLandlockPort].
var LandlockPorts = []string{"bind-tcp", "connect-tcp"}
