// SPDX-License-Identifier: Apache-2.0

// Package relay catches the signals that this process gets, with what the kernel
// knows of each: whether a process sent it, and which, or the terminal.
//
// os/signal doesn't tell, and a front must know: a signal that was sent with
// kill(1) is for the command and has to be passed on, but one that the terminal
// made went to the whole process group, so that the command has got it already.
// The other way, to block all signals and take them with sigwaitinfo(2), can't
// be relied on in Go: each thread that the runtime starts later unblocks them.
//
// So a handler of a few instructions replaces the runtime's for as long as a
// Relay is there. It writes the signal's siginfo_t to a pipe. Faults, and the
// signals that the runtime sends to itself, go on to the runtime's handler.
package relay
