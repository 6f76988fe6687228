// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Edit is the journal of a live run of which a plugin is being asked to change what it
// has made. The run's own nsrun, and whoever undoes the run in its stead, waits before
// its first PostExec until it is closed: see [Run.Hold].
type Edit struct{ run *Run }

// Edit opens the journal of the run id, which must be alive. If another edit is under
// way, it waits for its end.
//
// Beside the lock by which the run is alive, flock(2), the journal has another one for
// this, by fcntl(2) with F_OFD_SETLK. The two know nothing of each other.
func (b *Base) Edit(id string) (*Edit, error) {
	dir := filepath.Join(b.runs(), filepath.Base(id))
	f, err := plainfile.Open(filepath.Join(dir, "journal"), unix.O_RDWR|unix.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ended(id)
	}
	if err != nil {
		return nil, dirProblem(dir, err, "see the reason above")
	}
	e := &Edit{&Run{dir: dir, journal: f, header: Header{ID: id}}}
	if err := e.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return e, nil
}

func ended(id string) error {
	return &ns.Diagnostic{Summary: "update run " + id + ": it has ended", Hint: "nsctl ps lists the runs that are alive"}
}

func (e *Edit) begin() error {
	r := e.run
	switch {
	case !r.holdFor(editPatience):
		return &ns.Diagnostic{Summary: "update run " + r.header.ID + ": another update, or the run's end, is under way", Hint: "the same again later"}
	case gone(r.journal), !alive(r.journal):
		return ended(r.header.ID)
	}
	text, err := r.text()
	if err != nil {
		return dirProblem(r.dir, err, "see the reason above")
	}
	// What is written behind a damaged line is never read.
	if records := decode(text); len(records) == 0 || len(records) != bytes.Count(text, []byte("\n")) || !bytes.HasSuffix(text, []byte("\n")) {
		return &ns.Diagnostic{Summary: "update run " + r.header.ID + ": its journal is damaged", Hint: "end the run: nsctl kill " + r.header.ID}
	}
	return r.reread()
}

// Calls returns the PostExec calls that the run owes, latest intent first.
func (e *Edit) Calls() []ns.HookRequest { return e.run.Owed() }

// Begin records that the plugin is about to be asked. From here on, until End, nobody
// knows what of the run it has made: its calls have no state.
func (e *Edit) Begin(plugin string) error {
	return e.run.appendIntent(&Record{Type: Updating, Plugin: plugin})
}

// End records what the plugin has made from now on, as its reply says.
func (e *Edit) End(plugin string, reply *ns.HookReply) error {
	return e.run.append(&Record{Type: Updated, Plugin: plugin, Settings: reply.Settings, State: reply.State, Results: reply.Results})
}

// Cancel records that the plugin has changed nothing, so that all is as it was before
// Begin. If it wasn't known then what the plugin had made, it still isn't.
func (e *Edit) Cancel(plugin string) error {
	before := e.run.records[:lastOf(e.run.records, plugin, Updating)]
	if slices.Contains(unfinished(before), plugin) {
		return nil
	}
	was := entryOf(e.run.dir, true, slices.Concat([]Record{{Header: &e.run.header}}, before))
	i := slices.IndexFunc(was.Calls, func(c ns.HookRequest) bool { return c.Plugin == plugin })
	if i < 0 {
		return fmt.Errorf("BUG(nsrun): cancel an update of %s, which owes nothing", plugin)
	}
	call := was.Calls[i]
	return e.End(plugin, &ns.HookReply{Settings: call.Request.Settings, State: call.State, Results: was.Results[plugin]})
}

// Close lets the next edit begin, or the run end.
func (e *Edit) Close() error { return e.run.Close() }

const (
	// editPatience is how long an edit waits for another one.
	editPatience = 5 * time.Second
	// holdPatience is how long the run's end waits for an edit: longer than a plugin has
	// for its part. Then the edit has come to nothing, or its process was stopped.
	holdPatience = 35 * time.Second
)

// Hold keeps the run from being edited, once an edit that is under way has come to its
// end, and reads what was written by edits. It is to be called before Owed by whoever is
// about to undo the run, and holds until the journal is closed.
func (r *Run) Hold() error {
	r.holdFor(holdPatience)
	info, err := r.journal.Stat()
	if err != nil || info.Size() == r.size {
		return err
	}
	return r.reread()
}

// holdFor takes the lock against edits, and reports whether it has got it in time.
func (r *Run) holdFor(patience time.Duration) bool {
	const poll = 10 * time.Millisecond
	whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	for end := time.Now().Add(patience); ; time.Sleep(poll) {
		err := unix.FcntlFlock(r.journal.Fd(), unix.F_OFD_SETLK, &whole)
		if err == nil || time.Now().After(end) {
			return err == nil
		}
	}
}

// alive reports whether an nsrun has the run's journal locked.
func alive(journal *os.File) bool {
	if unix.Flock(int(journal.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		return true
	}
	_ = unix.Flock(int(journal.Fd()), unix.LOCK_UN)
	return false
}

func (r *Run) text() ([]byte, error) {
	info, err := r.journal.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(r.journal, 0, info.Size()))
}

// reread reads the records anew, with those of others.
func (r *Run) reread() error {
	text, err := r.text()
	if err != nil {
		return dirProblem(r.dir, err, "see the reason above")
	}
	if records := decode(text); len(records) > len(r.records) && headed(records) {
		r.take(records)
		r.size = int64(len(text))
	}
	return nil
}

// bringUp fills in what the plugin of a call has said last of what it has made.
func bringUp(call *ns.HookRequest, records []Record) {
	for _, r := range records {
		if r.Plugin != call.Plugin {
			continue
		}
		switch r.Type {
		case Done:
			call.State = r.State
		case Updating:
			call.State = nil
		case Updated:
			call.State, call.Request.Settings = r.State, r.Settings
		}
	}
}

// unfinished returns the plugins whose last update has no end.
func unfinished(records []Record) []string {
	var plugins []string
	for i, r := range records {
		if r.Type == Updating && lastOf(records, r.Plugin, Updating, Updated) == i {
			plugins = append(plugins, r.Plugin)
		}
	}
	return plugins
}

// lastOf returns the index of the plugin's last record of one of the types, or -1.
func lastOf(records []Record, plugin string, types ...Type) int {
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Plugin == plugin && slices.Contains(types, records[i].Type) {
			return i
		}
	}
	return -1
}
