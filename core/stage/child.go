// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"syscall"

	"github.com/nsrun/nsrun/core/stage/machine"
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/core/stage/relay"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Child is a process in namespaces of its own. It waits for its program, and
// then becomes the command or the command's init. Its methods are for one
// goroutine, but for Kill.
type Child struct {
	process  *machine.Process
	kinds    []ns.Kind // of its namespaces
	terminal *terminal
	console  *Console     // if the command has a terminal of its own
	signals  *relay.Relay // from Release on
	program  *Program     // from Load on
	loadErr  error        // why the child didn't get it
	failed   int          // the instruction that failed; -1 for none
	// ending says that the child has reported a failure and so exits by itself. It
	// must be left the time to reap what it forked: nobody else does where the
	// first process of the outer PID namespace is no init, and a process that isn't
	// reaped keeps the PID namespace that it is in from ending; wait(2).
	ending bool
	// watched are told of while the command runs: see Watch.
	watched []watched
}

// Start clones a child into new namespaces of the given kinds, and into those that
// it is to join, where it waits. Some it makes itself, which [Child.AwaitNamespaces]
// waits for. Start must be called on a thread that is locked and lives as long as the
// child shall: see the package comment. A refusal of the kernel is a *CloneError or a
// *ns.Diagnostic.
func Start(kinds []ns.Kind, joins ...Join) (*Child, error) { return start(kinds, joins, 0) }

// StartWith is Start for a child whose program has files to fill from inputs,
// which may be nil. They can be closed when it returns.
func StartWith(inputs *Inputs, kinds []ns.Kind, joins ...Join) (*Child, error) {
	return start(kinds, joins, inputs.fd())
}

// StartJoining clones a child into the caller's namespaces, which is to join
// those of another process by the program of a [Config] with Join. target is a
// descriptor of that process; pidfd_open(2).
func StartJoining(target int) (*Child, error) { return start(nil, nil, target) }

func start(kinds []ns.Kind, joins []Join, keep int) (*Child, error) {
	var p *machine.Process
	err := within(joins, func() (err error) {
		p, err = machine.Clone(ns.CloneFlags(kinds), keep)
		return cloneError(kinds, "clone3", err)
	})
	if err != nil && p != nil {
		p.Kill()
		_, _ = p.Wait()
		p.Close()
	}
	if err != nil {
		return nil, err
	}
	return &Child{process: p, kinds: kinds, terminal: saveTerminal(), failed: -1}, nil
}

// cloneError says of which namespaces the kernel refused to make one.
func cloneError(kinds []ns.Kind, call string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &CloneError{Kinds: kinds, Call: call, Errno: errno}
	}
	return err
}

// AwaitNamespaces waits until the child has all its namespaces, as whoever looks for them
// from outside must. A refusal of the kernel is a *CloneError.
func (c *Child) AwaitNamespaces() error {
	return cloneError(c.kinds, "unshare", c.process.AwaitNamespaces())
}

// PID returns the child's process id as the caller sees it.
func (c *Child) PID() int { return c.process.PID }

// FD returns a descriptor of the child, which belongs to it; pidfd_open(2).
func (c *Child) FD() int { return c.process.FD }

// Load hands the child its program. The child carries out the steps at once, and
// waits again before the command. What goes wrong, Release returns.
func (c *Child) Load(prog *Program) {
	c.program = prog
	if c.loadErr = c.process.Load(prog.code); c.loadErr != nil {
		c.Kill()
	}
}

// Release lets the child, which has its program, execute the command. It returns
// nil once the command runs. Otherwise the child is gone, and the error is a
// *StepError, an *ExecError, a *CloneError, or says that the child died before it had
// its program. From here on, signals that this process gets are kept for the
// command, until Wait returns.
func (c *Child) Release() (err error) {
	// The command may run, and send signals to its process group, before
	// this function returns.
	if c.signals, err = relay.Start(); err == nil {
		err = c.release()
	}
	if err != nil {
		c.Abandon()
	}
	return err
}

func (c *Child) release() error {
	if err := c.mapMounts(); err != nil {
		return err
	}
	c.process.Proceed()
	report, err := c.process.Report()
	switch refused := c.process.Refused(); {
	case refused != nil:
		c.loadErr = cloneError(c.kinds, "unshare", refused)
		err = c.loadErr
	case report != nil:
		err = c.program.failure(report)
		c.note(report.Instr)
		c.ending = true
	case c.loadErr != nil:
		err = c.loadErr
	}
	return err
}

// Kill kills the child and all that live in its PID namespace. Any goroutine may
// call it, at any time.
func (c *Child) Kill() { c.process.Kill() }

// Abandon kills the child, waits for its end and gives back what it took. It is
// for a child that is never released; Release and Wait do the same by themselves.
func (c *Child) Abandon() {
	if !c.ending {
		c.Kill()
	}
	_, _ = c.process.Wait()
	c.giveBack()
}

func (c *Child) giveBack() {
	if c.signals != nil {
		c.signals.Stop()
	}
	c.terminal.restore()
	for _, w := range c.watched {
		_ = unix.Close(w.fd)
	}
	c.console.Close()
	c.process.Close()
}

// failure returns the error that a report means.
func (p *Program) failure(r *machine.Report) error {
	if r.Instr >= len(p.code.Instrs) {
		return errors.New("BUG(nsrun): the child reported an instruction that isn't there")
	}
	in := &p.code.Instrs[r.Instr]
	switch in.Op {
	case program.Exec:
		return &ExecError{Name: p.argv0, File: p.code.Text(in.Args[0]), BadInterpreter: r.BadInterpreter, Errno: r.Errno}
	case program.Fail:
		return &ExecError{Name: p.argv0, Errno: r.Errno}
	}
	e := p.stepError(r.Instr, r.Errno)
	e.Log = cleanLog(r.Log)
	return e
}

// stepError returns the failure of an instruction that belongs to a step, or to none.
func (p *Program) stepError(instr int, errno syscall.Errno) *StepError {
	in := &p.code.Instrs[instr]
	e := &StepError{Index: in.Step, Call: p.code.Name(instr), Line: p.code.Line(instr), Errno: errno, IDMap: in.Op == program.IDMap}
	if in.Step >= 0 {
		e.Step = p.steps[in.Step]
	} else {
		e.Doing = p.code.Title(instr)
	}
	return e
}

// cleanLog returns a message of a file system context without the letter that
// says how grave it is.
func cleanLog(log string) string {
	if len(log) > 2 && log[1] == ' ' {
		log = log[2:]
	}
	for len(log) > 0 && log[len(log)-1] == '\n' {
		log = log[:len(log)-1]
	}
	return log
}
