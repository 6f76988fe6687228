// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Entry is a run as its directory shows it to others.
type Entry struct {
	Header Header `json:"header"`
	// Alive says that the run's nsrun is alive.
	Alive bool `json:"alive"`
	// Child is the process id of the sandbox's first process, 0 before it exists.
	Child int `json:"child,omitempty"`
	// Reaper is the process id of the run's reaper, 0 without one.
	Reaper int `json:"reaper,omitempty"`
	// Results are what hooks found out, by plugin.
	Results map[string]map[string]string `json:"results,omitempty"`
	// Joining says how to join the run; nil before its command has started.
	Joining *Joining `json:"-"`
	// Owed are the plugins whose PostExec is still owed.
	Owed []string `json:"owed,omitempty"`
	// Updating are the plugins of which it isn't known what they have made: an update is
	// under way, or was cut short.
	Updating []string `json:"updating,omitempty"`
	// Calls are the PostExec calls that are owed, latest intent first.
	Calls []ns.HookRequest `json:"-"`
	// Dir is the run directory.
	Dir string `json:"dir"`
}

// List returns every run, alive or not, in the order of their ids.
func (b *Base) List() ([]Entry, error) {
	names, err := b.names()
	var entries []Entry
	for _, name := range names {
		if e, ok := read(filepath.Join(b.runs(), name)); ok {
			entries = append(entries, e)
		}
	}
	return entries, err
}

// names returns the names of the run directories, in order, and removes those
// that were never finished.
func (b *Base) names() ([]string, error) {
	all, err := readNames(b.runs())
	if err != nil {
		return nil, dirProblem(b.runs(), err, "see the reason above")
	}
	var names []string
	for _, name := range all {
		if strings.HasPrefix(name, newPrefix) {
			sweepNew(filepath.Join(b.runs(), name))
		} else {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func readNames(path string) ([]string, error) {
	dir, err := plainfile.Open(path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// look opens the journal of the run directory dir, and reports whether the run's nsrun
// is alive.
func look(dir string) (journal *os.File, alive bool, err error) {
	f, err := plainfile.Open(filepath.Join(dir, "journal"), unix.O_RDONLY, 0)
	if err != nil {
		return nil, false, err
	}
	return f, unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil, nil
}

// headerOf returns the header of the run in dir if it is alive, by a reader that others
// can have afterwards: the rest of a journal can be a hundred times as long.
func headerOf(dir string, lines *bufio.Reader) (h Header, alive bool) {
	f, alive, err := look(dir)
	if err != nil {
		return Header{}, false
	}
	defer f.Close()
	lines.Reset(f)
	line, _ := lines.ReadBytes('\n')
	records := decode(line)
	if !headed(records) {
		return Header{}, false
	}
	return *records[0].Header, alive
}

// read reads the run directory dir; false when the run has just gone.
func read(dir string) (Entry, bool) {
	f, alive, err := look(dir)
	if err != nil {
		return Entry{}, false
	}
	defer f.Close()
	records, err := readRecords(f)
	if err != nil || !headed(records) {
		return Entry{}, false
	}
	return entryOf(dir, alive, records), true
}

func entryOf(dir string, alive bool, records []Record) Entry {
	e := Entry{Header: *records[0].Header, Alive: alive, Dir: dir}
	for _, r := range records[1:] {
		switch r.Type {
		case Child:
			e.Child = r.PID
		case Reaper:
			e.Reaper = r.PID
		case Started:
			e.Joining = r.Joining
		case Done, Updated:
			e.setResults(&r)
		}
	}
	e.Updating = unfinished(records[1:])
	e.Calls = owed(records[1:])
	for _, call := range e.Calls {
		e.Owed = append(e.Owed, call.Plugin)
	}
	return e
}

// setResults takes what a record tells, in place of earlier results of the same name.
func (e *Entry) setResults(r *Record) {
	if len(r.Results) == 0 {
		return
	}
	all := maps.Clone(e.Results[r.Plugin])
	if all == nil {
		all = map[string]string{}
	}
	for name, value := range r.Results {
		all[name] = value
		if value == "" {
			delete(all, name)
		}
	}
	if e.Results == nil {
		e.Results = map[string]map[string]string{}
	}
	e.Results[r.Plugin] = all
}

func readRecords(f *os.File) ([]Record, error) {
	text, err := io.ReadAll(f)
	return decode(text), err
}

// Dead locks and returns the runs whose nsrun has died, for the caller to undo
// and remove. Those that somebody else is undoing are left out.
func (b *Base) Dead() ([]*Run, error) {
	names, err := b.names()
	var dead []*Run
	for _, name := range names {
		if r := takeOver(filepath.Join(b.runs(), name), unix.LOCK_NB); r != nil {
			dead = append(dead, r)
		}
	}
	return dead, err
}

// Await waits until the run id has no nsrun any more, and nobody who undoes it,
// and then locks and returns it for the caller to do so, or nil if it is gone.
func (b *Base) Await(id string) *Run { return takeOver(filepath.Join(b.runs(), id), 0) }

// TakeOver locks and returns the dead run id for the caller to undo and remove, or nil if
// it is alive, somebody else's, or gone.
func (b *Base) TakeOver(id string) *Run { return takeOver(filepath.Join(b.runs(), id), unix.LOCK_NB) }

// takeOver locks a dead run, or returns nil if it is alive or gone. how is LOCK_NB
// or 0; flock(2).
func takeOver(dir string, how int) *Run {
	f, err := plainfile.Open(filepath.Join(dir, "journal"), unix.O_RDWR|unix.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// Killed between removing the journal and the directory: nothing is owed.
		if unpinAll(dir) == nil {
			os.RemoveAll(dir)
		}
	}
	if err != nil {
		return nil
	}
	if lock(f, how) != nil {
		f.Close()
		return nil
	}
	if gone(f) {
		f.Close()
		return nil
	}
	run := &Run{dir: dir, journal: f, header: Header{ID: filepath.Base(dir)}}
	if records, _ := readRecords(f); headed(records) {
		run.take(records)
	}
	return run
}

// lock takes the lock of a run.
func lock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|how); err != unix.EINTR {
			return err
		}
	}
}

// gone reports whether the file was unlinked before we got its lock.
func gone(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) != nil || st.Nlink == 0
}

// sweepNew removes the directory of a run that was never finished. One that is being
// made has its journal locked, or is made anew under another name: see [Base.make].
func sweepNew(dir string) {
	f, err := plainfile.Open(filepath.Join(dir, "journal"), unix.O_RDWR, 0)
	if err == nil {
		defer f.Close()
		if lock(f, unix.LOCK_NB) != nil {
			return
		}
		_ = os.Remove(f.Name())
	}
	_ = os.Remove(dir)
}
