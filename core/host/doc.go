// SPDX-License-Identifier: Apache-2.0

// Package host starts, calls and stops plugin processes. It is the only client
// of go-plugin in nsrun.
//
// It takes every plugin for broken and none for malicious beyond what its caller
// could do anyway: a plugin runs with the caller's rights. Whatever a plugin
// does, a call returns within its deadline, nothing of it stays behind, and the
// user reads in nsrun's words what happened.
//
//	Host      which plugins run; the calls that core makes
//	instance  one start of one plugin: handshake, connection, end
//	process   the process below it: fork, lifeline, kill, reap
//	output    what it prints: log, and the last lines for errors
package host
