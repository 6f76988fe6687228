// SPDX-License-Identifier: Apache-2.0

// Package stage is the child's side of a run: it turns steps into system calls,
// clones a child into new namespaces, has it carry them out and execute the
// command, and supervises it.
//
//	child, err := stage.Start(kinds)      // cloned, blocked, dies with its front
//	err = child.AwaitNamespaces()         // for the hooks of the plugins: they get child.PID()
//	prog, err := stage.Compile(config)    // pure: no privilege, no side effect
//	child.Load(prog)                      // the steps are carried out
//	err = child.Release()                 // nil: the command runs
//	status, err := child.Wait(rest)       // forwards signals until it has ended
//
// Nothing of Go runs in the child, which costs two things. All decisions are
// made by Compile, before the child acts. And Start, Release and Wait belong on
// the main thread, which a program gives away for ever in an init function:
//
//	func init() { runtime.LockOSThread() }
//
// The child is killed when the thread that cloned it ends (PR_SET_PDEATHSIG of
// prctl(2) means the thread), and only the main thread is sure to live as long
// as the process.
package stage
