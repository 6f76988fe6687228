// SPDX-License-Identifier: Apache-2.0

package program

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// String returns the program as strace(1) would show its calls, one on a line.
// $3 is the result of the call that ends in "= $3".
func (p *Program) String() string {
	var b strings.Builder
	for i, s := range p.sections {
		end := len(p.Instrs)
		if i+1 < len(p.sections) {
			end = p.sections[i+1].start
		}
		p.printSection(&b, s, end)
	}
	return b.String()
}

func (p *Program) printSection(b *strings.Builder, s section, end int) {
	if s.start == end {
		return
	}
	fmt.Fprintf(b, "# %s\n", s.title)
	for i := s.start; i < end; i++ {
		fmt.Fprintf(b, "%3d  %s\n", i, p.Line(i))
	}
}

// Line returns instruction i as String shows it.
func (p *Program) Line(i int) string {
	in := &p.Instrs[i]
	text := p.operation(in)
	if in.Save != 0 {
		text += fmt.Sprintf(" = $%d", in.Save)
	}
	return text + p.otherwise(i)
}

func (p *Program) operation(in *Instr) string {
	switch in.Op {
	case SkipIf:
		return fmt.Sprintf("if $%d: go on at %d", in.Args[0].value, in.Else)
	case SkipUnless:
		return fmt.Sprintf("unless $%d: go on at %d", in.Args[0].value, in.Else)
	case Or16:
		return fmt.Sprintf("set 0x%x in the 16 bits at %s", in.Args[1].value, p.placeOf(in.Args[0]))
	case Store32:
		return fmt.Sprintf("put %s into the 32 bits at %s", p.arg(in, 1, dec), p.placeOf(in.Args[0]))
	case Fork:
		if in.Else != 0 {
			return fmt.Sprintf("fork: the first process goes on at %d, its child here", in.Else)
		}
	case Same:
		return fmt.Sprintf("expect %s at %s", p.text(int(in.Args[0].value)), p.placeOf(in.Args[1]))
	case IDMap:
		return fmt.Sprintf("wait for nsrun: mount_setattr($%d, \"\", AT_EMPTY_PATH|AT_RECURSIVE, {set=IDMAP, userns_fd=the run's})", in.Args[0].value)
	case Call, Exec:
		return p.call(in)
	}
	return notes[in.Op]
}

// notes says what the instructions without arguments do.
var notes = map[Op]string{
	Await:   "read(one byte from nsrun): the run is written down, and the command may start",
	Outlive: "read(one byte from nsrun): exit, or go on when nsrun has died",
	Alive:   "exit if nsrun has died",
	Mask:    "rt_sigprocmask(SIG_SETMASK, the caller's mask)",
	Fork:    "fork: the first process stays as init, its child goes on",
	Reign:   "stay as init",
	Stamp:   "clock_gettime(CLOCK_REALTIME), for --debug",
	Fail:    "exit: no file could be executed",
}

func (p *Program) otherwise(i int) string {
	in := &p.Instrs[i]
	var names []string
	for _, errno := range in.Tolerate {
		if errno != 0 {
			names = append(names, unix.ErrnoName(errno))
		}
	}
	switch {
	case names == nil:
		return ""
	case in.Else == i+1:
		return "  [" + strings.Join(names, ", ") + ": ignored]"
	}
	return fmt.Sprintf("  [%s: go on at %d]", strings.Join(names, ", "), in.Else)
}

// Name returns the name of the system call of instruction i, or "" if it makes none.
func (p *Program) Name(i int) string {
	switch p.Instrs[i].Op {
	case Call, Exec:
		return signatureOf(p.Instrs[i].Nr).name
	case IDMap:
		return signatureOf(unix.SYS_MOUNT_SETATTR).name
	}
	return ""
}

func (p *Program) call(in *Instr) string {
	sig := signatureOf(in.Nr)
	args := make([]string, in.N)
	for k := range args {
		args[k] = p.arg(in, k, sig.format(k))
	}
	return sig.name + "(" + strings.Join(args, ", ") + ")"
}

func (p *Program) arg(in *Instr, k int, f format) string {
	arg := in.Args[k]
	switch {
	case arg.kind == register:
		return fmt.Sprintf("$%d", arg.value)
	case arg.kind == address:
		return f.pointer(p, int(arg.value), in.Args[min(k+1, 5)].value)
	}
	return f.number(arg.value)
}

func (p *Program) placeOf(arg Arg) string { return fmt.Sprintf("+0x%x", arg.value) }

// text returns the null-terminated string at the offset at.
func (p *Program) text(at int) string {
	s, _, _ := strings.Cut(string(p.data[at:min(at+maxShown+1, len(p.data))]), "\x00")
	return quote(s)
}

// maxShown is the longest string shown in full, in bytes.
const maxShown = 512

func quote(s string) string {
	if len(s) > maxShown {
		return fmt.Sprintf("%q...", s[:maxShown])
	}
	return fmt.Sprintf("%q", s)
}

// Title returns the title over instruction i.
func (p *Program) Title(i int) string {
	title := ""
	for _, s := range p.sections {
		if s.start <= i {
			title = s.title
		}
	}
	return title
}

// Text returns the string that arg is the address of.
func (p *Program) Text(arg Arg) string {
	s, _, _ := strings.Cut(string(p.data[arg.value:]), "\x00")
	return s
}
