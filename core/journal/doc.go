// SPDX-License-Identifier: Apache-2.0

// Package journal keeps the run directory: who is alive, and what has to be
// undone for whom.
//
//	runs/ID/          0700
//	  journal         records; locked (flock(2)) for as long as its nsrun lives
//	  ns/net          a pinned namespace
//	  lifeline        FIFO whose writing end its nsrun has, for what serves the run
//	  p/              sockets of plugins
//	  state/          files of plugins
//
// Liveness is the lock, not a process id: the kernel releases it however nsrun
// dies, and a process id can be used again. A run directory is made under
// another name and renamed when it is complete and locked, so that nobody ever
// sees a run without its lock. What nobody has locked under that other name is
// of a dead nsrun, or is made anew if it isn't.
//
// A second lock of the journal keeps the end of a run and changes to it apart: [Edit].
package journal
