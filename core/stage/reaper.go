// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// Reaper is a process that waits for the death of this one, and then executes
// this program again. Until then nothing of Go runs in it, and its memory is
// shared with this process, so that it costs little; it has a session of its own,
// and neither the caller's terminal, nor its files, nor its working directory.
type Reaper struct{ *survivor }

// StartReaper starts a reaper that will execute this program with argv and env.
// Its standard files are /dev/null.
func StartReaper(argv, env []string) (*Reaper, error) {
	s, err := startSurvivor(vigil(argv, env))
	if err != nil {
		return nil, err
	}
	return &Reaper{s}, nil
}

// PID returns the reaper's process id.
func (r *Reaper) PID() int { return r.process.PID }

// Dismiss ends the reaper.
func (r *Reaper) Dismiss() { r.dismiss() }

// deadly are the signals that others send to end a process.
var deadly = []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM}

// forget drops the signals that came meanwhile, which all were blocked: they were
// meant for nsrun, which is gone, and would keep the reaper from its work. Ignoring
// a signal drops it even where it is blocked; sigaction(2).
func forget(b *program.Builder) {
	const size = 8
	ignore, byDefault := b.Words(1, 0, 0, 0), b.Words(0, 0, 0, 0) // struct sigaction
	for _, sig := range deadly {
		for _, action := range []program.Arg{ignore, byDefault} {
			b.Call(unix.SYS_RT_SIGACTION, program.Int(int(sig)), action, program.Int(0), program.Int(size))
		}
	}
}

// vigil returns the reaper's program. It executes the file that this process was
// executed from, also when another has taken its place since; proc_pid_exe(5).
func vigil(argv, env []string) *program.Program {
	var b program.Builder
	b.Begin(-1, "leave the caller's session, directory and files")
	b.Call(unix.SYS_SETSID)
	b.Call(unix.SYS_CHDIR, b.String("/"))
	null := b.Result(unix.SYS_OPENAT, cwd, b.String("/dev/null"), program.Int(unix.O_RDWR|unix.O_CLOEXEC), program.Int(0))
	for fd := range 3 {
		b.Call(unix.SYS_DUP3, null.Arg(), program.Int(fd), program.Int(0))
	}
	b.Call(unix.SYS_PRCTL, program.Int(unix.PR_SET_NAME), b.String("nsrun-reaper"), program.Int(0), program.Int(0), program.Int(0))
	b.Begin(-1, "wait for the end of nsrun")
	b.Do(program.Outlive)
	b.Begin(-1, "undo what it left")
	forget(&b)
	b.Do(program.Mask)
	b.Exec(b.String("/proc/self/exe"), b.Strings(argv), b.Strings(env))
	b.Do(program.Fail)
	return b.Program()
}
