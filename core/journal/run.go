// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Run is the run directory of a run whose lock we hold.
type Run struct {
	dir      string
	journal  *os.File
	lifeline *os.File // writing end; nil if nobody asked for it
	header   Header
	records  []Record
	earlier  bool  // an earlier start of the kernel has seen it
	size     int64 // of the journal, as far as records has it
}

// newPrefix marks a run directory that isn't complete.
const newPrefix = ".new-"

// Create makes the run directory of a new run, locks it and writes the header.
// It fills in the header's version and, if empty, its ID.
func (b *Base) Create(h Header) (*Run, error) {
	h.Version = Version
	if h.ID == "" {
		h.ID = NewID()
	}
	if h.Name != "" {
		unlock, err := b.reserveName(h.Name)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	run, err := b.make(h)
	if err != nil {
		return nil, dirProblem(filepath.Join(b.runs(), h.ID), err, "free space or inodes there, or make it writable")
	}
	return run, nil
}

// make makes the run directory under another name, and renames it. Whoever sweeps may
// have taken it for one that a dead nsrun left, before it was locked: then it begins anew.
func (b *Base) make(h Header) (*Run, error) {
	const attempts = 100
	for range attempts {
		temp := filepath.Join(b.runs(), newPrefix+NewID())
		run, err := createRun(temp, h)
		if err == nil {
			run.dir = filepath.Join(b.runs(), h.ID)
			err = os.Rename(temp, run.dir)
		}
		if err == nil {
			return run, nil
		}
		os.RemoveAll(temp)
		if !errors.Is(err, errSwept) {
			return nil, err
		}
	}
	return nil, errSwept
}

// errSwept says that a directory was removed while it was being made.
var errSwept = errors.New("somebody removes it while it is being made")

// NewID returns a name for a run that no other run has: 12 hexadecimal digits.
// The runtime's ChaCha8 is seeded by the kernel at each start, without a system call; a name
// that a run has all the same is refused by Create.
func NewID() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, rand.Uint64())[:6])
}

func createRun(dir string, h Header) (*Run, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := createLocked(filepath.Join(dir, "journal"))
	if err != nil {
		return nil, err
	}
	run := &Run{dir: dir, journal: f, header: h}
	if err := run.append(&Record{Header: &h}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return run, nil
}

// createLocked makes a journal and locks it. Between the two it looks like one that
// a dead nsrun left.
func createLocked(path string) (*os.File, error) {
	f, err := plainfile.Open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errSwept // with its directory
	}
	if err != nil {
		return nil, err
	}
	err = lock(f, unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK), err == nil && gone(f):
		err = errSwept
	case err != nil:
		err = fmt.Errorf("flock: %w", err)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// reserveName fails if a live run has the name. It keeps others from taking it
// until the returned function is called.
func (b *Base) reserveName(name string) (unlock func(), err error) {
	lock, err := os.OpenFile(filepath.Join(b.dir, "names.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, dirProblem(b.dir, err, "make it writable, or free space")
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		lock.Close()
		return nil, dirProblem(b.dir, err, "see flock(2)")
	}
	if err := b.refuseTaken(name); err != nil {
		lock.Close()
		return nil, err
	}
	return func() { lock.Close() }, nil
}

// refuseTaken returns an error if a live run has the name.
func (b *Base) refuseTaken(name string) error {
	dirs, err := b.names()
	if err != nil {
		return err
	}
	lines := bufio.NewReader(nil)
	for _, dir := range dirs {
		if h, alive := headerOf(filepath.Join(b.runs(), dir), lines); alive && h.Name == name {
			return &ns.Diagnostic{Summary: fmt.Sprintf("a run named %s is alive already (%s)", name, h.ID),
				Hint: "another --name, or nsctl kill " + name}
		}
	}
	return nil
}

// Header returns the run's header.
func (r *Run) Header() Header { return r.header }

// Dir returns the path of the run directory.
func (r *Run) Dir() string { return r.dir }

// Sub makes the subdirectory name of the run directory, mode 0700, and returns its path.
func (r *Run) Sub(name string) (string, error) {
	dir := filepath.Join(r.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", dirProblem(dir, err, "free space or inodes there")
	}
	return dir, nil
}

// Child records the process id of the sandbox's first process.
func (r *Run) Child(pid int) error { return r.append(&Record{Type: Child, PID: pid}) }

// Reaper records the process id of the run's reaper.
func (r *Run) Reaper(pid int) error { return r.append(&Record{Type: Reaper, PID: pid}) }

// Started records that the command runs, and how others can join it.
func (r *Run) Started(j *Joining) error { return r.append(&Record{Type: Started, Joining: j}) }

// Intent records that the PreExec hook of req.Plugin is about to be called.
func (r *Run) Intent(req *ns.HookRequest) error {
	return r.appendIntent(&Record{Type: Intent, Plugin: req.Plugin, Request: req, Boot: boot()})
}

// Done records what the PreExec hook of plugin answered.
func (r *Run) Done(plugin string, reply *ns.HookReply) error {
	return r.append(&Record{Type: Done, Plugin: plugin, State: reply.State, Results: reply.Results})
}

// Undone records that the PostExec hook of plugin has succeeded.
func (r *Run) Undone(plugin string) error { return r.append(&Record{Type: Undone, Plugin: plugin}) }

// append writes one record with one write(2). It outlives every death but that of the
// kernel, with which all goes that hooks have made in it.
func (r *Run) append(rec *Record) error {
	line, err := rec.encode()
	if err != nil {
		return fmt.Errorf("encode a journal record: %w", err)
	}
	if _, err := r.journal.Write(line); err != nil {
		return dirProblem(r.dir, err, "free space there: without a record of what is to be undone, nsrun does nothing")
	}
	r.size += int64(len(line))
	if rec.Header == nil {
		r.records = append(r.records, *rec)
	}
	return nil
}

// appendIntent writes a record of what is about to be made. Where the directory isn't in
// memory, files of the hooks outlive the kernel, too, and the record must be on the disk
// before them. In memory, as /run is, fsync(2) is a system call that does nothing.
func (r *Run) appendIntent(rec *Record) error {
	if err := r.append(rec); err != nil {
		return err
	}
	if err := r.journal.Sync(); err != nil {
		return dirProblem(r.dir, err, "see the reason above; dmesg may tell more of the disk")
	}
	return nil
}

// Owed returns the PostExec calls that are still owed, latest intent first, with the
// state that PreExec or the last update returned, if it did, and if what that speaks of
// can still be there.
func (r *Run) Owed() []ns.HookRequest {
	calls := owed(r.records)
	if r.earlier {
		return forget(calls)
	}
	return calls
}

func owed(records []Record) []ns.HookRequest {
	var calls []ns.HookRequest
	for i := len(records) - 1; i >= 0; i-- {
		rec := records[i]
		if rec.Type != Intent || rec.Request == nil || lastOf(records, rec.Plugin, Undone) >= 0 {
			continue
		}
		call := *rec.Request
		call.Point = ns.PostExec
		bringUp(&call, records)
		calls = append(calls, call)
	}
	return calls
}

// Remove removes the run directory and releases the lock.
func (r *Run) Remove() error {
	err := os.Remove(filepath.Join(r.dir, "journal"))
	if err == nil {
		err = os.Remove(r.dir)
	}
	if errors.Is(err, unix.ENOTEMPTY) {
		err = os.RemoveAll(r.dir)
	}
	return errors.Join(err, r.Close())
}

// Close releases the lifeline and the lock and leaves the run directory, for gc to finish.
func (r *Run) Close() error { return errors.Join(r.releaseLifeline(), r.journal.Close()) }
