// SPDX-License-Identifier: Apache-2.0

package inherit

import (
	"runtime"
	"unsafe"
)

// entry is where a program begins if the linker is told so:
//
//	go build -ldflags "-E github.com/nsrun/nsrun/internal/inherit.entry"
//
// It takes from the process, before Go's runtime begins there, what the runtime
// would spend a tenth of a run on for nothing:
//
//   - The watchdog of the runtime (sysmon) sleeps for 20 µs at a time. It wakes some
//     forty times in a run, gets in the way of the first thread, and makes each
//     change of its page table a matter for two processors. A timer slack of 1 ms
//     lengthens the sleep; prctl(2), PR_SET_TIMERSLACK.
//   - On more than one processor the runtime starts threads for its own goroutines,
//     which have nothing to do yet. It asks how many there are by
//     sched_getaffinity(2), and is told one.
//   - It looks for a limit of its control group in two files of /proc, one of which
//     lists all mounts, even if it isn't to heed it (GODEBUG containermaxprocs=0). A
//     limit of three open files has it give up at once, and leaves it the standard
//     ones, which it opens if the caller has closed them.
//
// What it took is given back when package inherit is initialized, a few hundred
// microseconds later; the watchdog, which is running by then, keeps its own.
// Without the linker's option nothing of this happens, and all works as well.
func entry()

var _ = entry // only the linker knows of it

// timerSlack is what the first thread has while the runtime starts, and the watchdog
// for good, in ns. Four times as long gains little more, and the watchdog is who
// gives the work of a thread to another while it is in a system call.
//
//lint:ignore U1000 entry has it
const timerSlack = 1_000_000

// attributes are those that entry changes.
type attributes struct {
	openFiles rlimit
	slack     uintptr // in ns; 0 if it wasn't changed
	size      uintptr // bytes of processors that the kernel uses; 0 if they weren't changed
	// processors is a cpu_set_t with room for 8,192, as many as Linux can have.
	processors [1024]byte
	// processor is the number of the one that entry ran on.
	//lint:ignore U1000 entry has it
	processor uint32
}

// given is what the caller gave, and lent what the runtime starts with instead.
//
//lint:ignore U1000 entry has lent
var given, lent attributes

func giveBack() {
	if given.openFiles.hard != 0 {
		call(sysPrlimit64, 0, openFilesLimit, unsafe.Pointer(&given.openFiles), nil)
	}
	ToThread()
}

// ToThread gives the calling thread the processors and the timer slack that this
// process was started with. A thread of Go's that is to start a process needs it,
// since the process gets what its thread has, and the runtime's watchdog starts
// threads that have what entry left it.
func ToThread() {
	if given.size != 0 {
		call(sysSchedSetaffinity, 0, given.size, unsafe.Pointer(&given.processors), nil)
	}
	if given.slack != 0 {
		call(sysPrctl, setTimerSlack, given.slack, nil, nil)
	}
}

// ToRuntime has the runtime use as many processors as this process was started with. With
// one, a goroutine waits for the watchdog while another is in a system call, which is
// nothing to a run that has only one.
func ToRuntime() {
	n := 0
	for _, set := range given.processors {
		for ; set != 0; set &= set - 1 {
			n++
		}
	}
	if n > 1 {
		runtime.GOMAXPROCS(n)
	}
}

// setTimerSlack is PR_SET_TIMERSLACK.
const setTimerSlack = 29
