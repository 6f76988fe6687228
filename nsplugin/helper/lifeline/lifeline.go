// SPDX-License-Identifier: Apache-2.0

// Package lifeline has the kernel kill a program when a run is over: when nobody has the
// writing end of the run's FIFO any more, whoever died of what.
//
// The program knows nothing of that, and its parent is a plugin, which may be killed before
// it could arrange it. So the plugin's own binary is executed first, in the process that is
// to be the program: there, importing this package is enough to ask the kernel for the
// signal, to see that the run isn't over yet, and to execute the program. The parent-death
// signal of prctl(2) won't do: the plugin ends soon after the command has started.
//
// The package imports syscall alone, and so it is initialized half a millisecond after the
// start, before most of what a plugin is made of (Go specification, "Package
// initialization").
package lifeline

import "syscall"

// Self is the plugin's own binary, to be executed instead of a program.
const Self = "/proc/self/exe"

// variable has the path of the FIFO.
const variable = "NSRUN_HELPER_LIFELINE"

// Arguments returns the arguments of [Self] that become those of program, argv.
func Arguments(program string, argv []string) []string {
	return append([]string{argv[0], program}, argv[1:]...)
}

// Environ returns the environment of [Self] for a run whose lifeline is the path fifo. That
// of the program will be empty.
func Environ(fifo string) []string { return []string{variable + "=" + fifo} }

func init() {
	fifo, ok := syscall.Getenv(variable)
	if !ok {
		return
	}
	_, _ = syscall.Write(2, []byte(become(fifo)+"\n"))
	syscall.Exit(1)
}

// become makes this process the program that its arguments name. If it can't, or mustn't, it
// returns why.
func become(fifo string) string {
	argv := arguments()
	if len(argv) < 2 {
		return "read the arguments: no program"
	}
	fd, errno := open(fifo)
	if errno != nil {
		return "open " + fifo + ": " + errno.Error()
	}
	if errno := bind(fd); errno != nil {
		return "fcntl " + fifo + ": " + errno.Error()
	}
	// Not before: whoever asks for the signal too late gets none.
	if atEnd(fd) {
		return "the run is over"
	}
	errno = syscall.Exec(argv[1], append(argv[:1:1], argv[2:]...), nil)
	return "execute " + argv[1] + ": " + errno.Error()
}

// open opens a FIFO for reading. The program inherits it, since the kernel forgets whom to
// send a signal when nobody has it open. Those of Debian 12 keep what they inherit. Later
// versions of pasta close it, and end by themselves with their sandbox.
func open(fifo string) (int, error) {
	return syscall.Open(fifo, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// bind has the kernel kill this process, and so what it executes, when the last writer of
// a FIFO goes; F_SETOWN in fcntl(2). The kernel may, as long as the program keeps the user
// id, or its user was root.
func bind(fd int) error {
	for _, c := range []struct{ cmd, arg int }{
		{syscall.F_SETSIG, int(syscall.SIGKILL)},
		{syscall.F_SETOWN, syscall.Getpid()},
		{syscall.F_SETFL, syscall.O_NONBLOCK | syscall.O_ASYNC},
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(c.cmd), uintptr(c.arg)); errno != 0 {
			return errno
		}
	}
	return nil
}

// Over reports whether the run is over whose lifeline is the path fifo. It isn't if that
// can't be told, or fifo is empty.
func Over(fifo string) bool {
	fd, err := open(fifo)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	return atEnd(fd)
}

// atEnd reports whether a FIFO has no writer. With one there is nothing to read, and that
// is EAGAIN; fifo(7).
func atEnd(fd int) bool {
	n, err := syscall.Read(fd, make([]byte, 1))
	return n == 0 && err == nil
}
