// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Inputs are the contents of files that steps take from what the caller gave this
// process: descriptors, variables and files. They lie in a file in memory that
// has no name (memfd_create(2)), out of which the child copies them: neither this
// process nor the child ever has them all in its own memory, where a core dump or
// an init that stays would keep them.
type Inputs struct {
	file *os.File
	at   map[string]extent // by the source, as the step has it
}

// extent is a part of a file, in bytes.
type extent struct{ offset, size int64 }

// ReadInputs reads the sources of the files among steps to their ends, each once.
// environ is where variables are looked up. It returns nil if there is nothing to
// read. The error joins a *ns.Diagnostic for each that can't be read.
func ReadInputs(steps []ns.PlannedStep, environ []string) (*Inputs, error) {
	var in *Inputs
	var errs []error
	for _, s := range steps {
		if s.Op != ns.OpFile || s.Source == "" {
			continue
		}
		if in == nil {
			file, err := newMemory()
			if err != nil {
				return nil, err
			}
			in = &Inputs{file: file, at: map[string]extent{}}
		}
		errs = append(errs, in.read(s, environ))
	}
	if err := errors.Join(errs...); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// newMemory returns a new file in memory that can't be executed, also where the
// kernel is too old to promise that.
func newMemory() (*os.File, error) {
	const name = "nsrun inputs"
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, &ns.Diagnostic{Summary: "make a file in memory: " + err.Error()}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Close gives the contents up. A child that was started with them keeps its own
// hold of them. Closing nil does nothing.
func (in *Inputs) Close() {
	if in != nil {
		in.file.Close()
	}
}

// fd returns the descriptor that the contents are read from, 0 for none.
func (in *Inputs) fd() int {
	if in == nil {
		return 0
	}
	return int(in.file.Fd())
}

// has reports whether there is a content for the source.
func (in *Inputs) has(source string) bool {
	_, ok := in.at[source]
	return ok
}

// read takes in the source of s, if it isn't there already. What is missing is
// left out if s says so.
func (in *Inputs) read(s ns.PlannedStep, environ []string) error {
	if in.has(s.Source) {
		return nil
	}
	source, err := ns.ParseSource(s.Source)
	if err == nil {
		err = in.copy(s.Source, source, environ)
	}
	if s.IfExists && errors.Is(err, unix.ENOENT) {
		return nil
	}
	return unreadable(s, source, err)
}

// unreadable says what to do about a source that can't be read.
func unreadable(s ns.PlannedStep, source ns.Source, err error) error {
	if err == nil {
		return nil
	}
	d := &ns.Diagnostic{Plugin: s.Plugin, Summary: "read " + s.Source + " for " + s.Target + ": " + causeOf(err)}
	errors.As(err, &d.Errno)
	switch {
	case errors.Is(err, errTooLong):
		d.Hint = "a source of fewer bytes, or a bind mount of the file"
	case source.FD >= 0 && errors.Is(err, unix.EBADF):
		d.Detail = fmt.Sprintf("nsrun was not started with a descriptor %d that can be read", source.FD)
		d.Hint = fmt.Sprintf("open it for nsrun, as in nsrun ... %d<FILE", source.FD)
	case source.Env != "" && errors.Is(err, unix.ENOENT):
		d.Summary = "read " + s.Source + " for " + s.Target + ": the variable is not set"
		d.Hint = fmt.Sprintf("%s=VALUE nsrun ...", source.Env)
	}
	return d
}

// errTooLong refuses a source that may have no end.
var errTooLong = fmt.Errorf("longer than %d MiB", ns.MaxFile>>20)

// copy puts the content of a source behind those that there are.
func (in *Inputs) copy(name string, source ns.Source, environ []string) error {
	at := extent{offset: in.end()}
	var err error
	switch {
	case source.Env != "":
		at.size, err = in.copyVariable(at.offset, source.Env, environ)
	case source.Path != "":
		at.size, err = in.copyPath(at.offset, source.Path)
	case !inherited(source.FD):
		err = unix.EBADF
	default:
		at.size, err = in.copyFD(at.offset, source.FD)
	}
	if err == nil {
		in.at[name] = at
	}
	return err
}

// end returns where the last content ends.
func (in *Inputs) end() (end int64) {
	for _, e := range in.at {
		end = max(end, e.offset+e.size)
	}
	return end
}

// inherited reports whether this process was started with the descriptor: those
// that it opened itself are closed by execve(2), and the caller's can't be.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

func (in *Inputs) copyVariable(offset int64, name string, environ []string) (int64, error) {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			n, err := in.file.WriteAt([]byte(value), offset)
			return int64(n), err
		}
	}
	return 0, unix.ENOENT
}

func (in *Inputs) copyPath(offset int64, path string) (int64, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return in.copyFD(offset, fd)
}

// copyFD copies what is left to read of fd to offset, and returns how much it was.
func (in *Inputs) copyFD(offset int64, fd int) (size int64, err error) {
	var buf [32 << 10]byte
	defer clear(buf[:])
	for {
		n, err := readSome(fd, buf[:])
		if n == 0 || err != nil {
			return size, err
		}
		if size += int64(n); size > ns.MaxFile {
			return size, errTooLong
		}
		if _, err := in.file.WriteAt(buf[:n], offset+size-int64(n)); err != nil {
			return size, err
		}
	}
}

// readSome reads once, and waits where the caller's descriptor is one that
// doesn't.
func readSome(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		switch err {
		case unix.EINTR:
		case unix.EAGAIN:
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != nil && err != unix.EINTR {
				return 0, err
			}
		default:
			return n, err
		}
	}
}
