// SPDX-License-Identifier: Apache-2.0

// The presence of an assembly file allows functions without a body, which
// go:linkname then finds elsewhere.
