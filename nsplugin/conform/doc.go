// SPDX-License-Identifier: Apache-2.0

// Package conform checks that a plugin, written in any language, keeps SPEC.md.
// "nsctl plugin check" prints what it finds as a table, and package nstest makes
// tests of it.
//
//	Plugin    a connection to a plugin that serves
//	answers   checks of what it answers; a plugin in a test's process will do
//	process   one start of a plugin binary, as nsrun starts it
//	Run       all checks of a binary: start, answers, life and death, hooks
//
// The kit is nsrun's end of the protocol written a second time, without
// go-plugin, so that both are held to the same text.
package conform
