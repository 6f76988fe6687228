// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Path says what the run's command may do with an absolute path: one finding for each
// way to use it, whose diagnostics are what refuses it, first what the command meets
// first. An error says why that can't be said.
func (r *Run) Path(name string) ([]core.Finding, error) {
	if !path.IsAbs(name) {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("explain %q: not an absolute path", name), Hint: "the path that the command uses, beginning with /"}
	}
	p, err := r.walk(name)
	if err != nil {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("explain %s: %v", name, err), Hint: hintOf(err)}
	}
	if f := r.unreached(name, p); f != nil {
		return []core.Finding{*f}, nil
	}
	switch {
	case errors.Is(p.refused, unix.ENOTDIR):
		return []core.Finding{failed("reach "+name, refuse("", unix.ENOTDIR, p.last().path+" is not a directory", ""))}, nil
	case errors.Is(p.refused, unix.ELOOP):
		return []core.Finding{failed("reach "+name, refuse("", unix.ELOOP, fmt.Sprintf("it leads through more than %d links", maxLinks), ""))}, nil
	case p.refused != nil:
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("explain %s: nsctl may not look into %s itself: %v", name, p.last().path, p.refused), Hint: "nsrun and nsctl as root"}
	case p.missing != "":
		return r.absent(name, p), nil
	}
	f := p.last()
	return slices.Concat(r.hidden(name, f), r.judge(name, p.stack, r.accesses(f)), r.privileges(name, f)), nil
}

// hidden says that what is at a path is hidden behind something empty.
func (r *Run) hidden(name string, f *file) []core.Finding {
	m := r.origin(f.mount)
	if m == nil || m.Op != ns.OpMask {
		return nil
	}
	return []core.Finding{failed("see what is at "+name, refuse(m.Plugin, 0, fmt.Sprintf("something empty is there by the step %q", m.words()), m.unmask()))}
}

func hintOf(err error) string {
	var d *ns.Diagnostic
	if errors.As(err, &d) {
		return d.Hint
	}
	return ""
}

// unreached returns what is found if some directory on the way may not be searched.
func (r *Run) unreached(name string, p *place) *core.Finding {
	for _, dir := range p.searched {
		if d := search(r, []*file{dir}, nil); d != nil {
			f := failed("reach "+name, d)
			return &f
		}
	}
	return nil
}

// absent says that a path isn't there, why, and whether it can be made.
func (r *Run) absent(name string, p *place) []core.Finding {
	dir := p.last()
	m := r.mounts[dir.mount]
	d := refuse("", unix.ENOENT, fmt.Sprintf("there is no %s in %s, which is on the mount %s", p.missing, dir.path, m), "")
	if made := r.origin(dir.mount); made != nil {
		d.Plugin, d.Detail = made.Plugin, d.Detail+fmt.Sprintf(" by the step %q", made.words())
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) && r.separate() {
		d.Detail += "; outside of the run it is there"
		d.Hint = fmt.Sprintf("--ro-bind %s %s, or --bind", name, name)
	}
	found := []core.Finding{failed("find "+name, d)}
	for _, a := range r.accesses(dir) {
		if a.want&2 != 0 && !p.deeper {
			a.verb = "make"
			found = append(found, r.judge(name, p.stack, []access{a})...)
		}
	}
	return found
}

// separate reports whether the run has mounts of its own.
func (r *Run) separate() bool { return len(r.made) > 0 }

// judge says of each access to the last file of a path whether it is refused.
func (r *Run) judge(name string, stack []*file, all []access) (found []core.Finding) {
	for i := range all {
		a := &all[i]
		var refusals []*ns.Diagnostic
		for _, check := range a.checks {
			if d := check(r, stack, a); d != nil {
				refusals = append(refusals, d)
			}
		}
		found = append(found, failed(a.verb+" "+name, refusals...))
	}
	return found
}

// failed is what is found of an action that refusals forbid, in their order, or of one
// that works if there are none.
func failed(action string, refusals ...*ns.Diagnostic) core.Finding {
	f := core.Finding{Part: action, OK: len(refusals) == 0}
	if f.OK {
		f.Diagnostics = []ns.Diagnostic{{Severity: ns.Notice, Summary: action}}
	}
	also := ""
	for _, d := range refusals {
		d.Summary = action
		if d.Errno != 0 {
			d.Summary = fmt.Sprintf("%s: %s%s, %v", action, also, unix.ErrnoName(d.Errno), d.Errno)
		}
		f.Diagnostics = append(f.Diagnostics, *d)
		also = "and then "
	}
	return f
}

// privileges says of a file that would give its user or group to who executes it
// whether that still holds; execve(2).
func (r *Run) privileges(name string, f *file) []core.Finding {
	const both = unix.S_ISUID | unix.S_ISGID
	if !f.is(unix.S_IFREG) || f.mode&both == 0 || f.mode&0o111 == 0 {
		return nil
	}
	action := "gain the rights of another user or group by executing " + name
	switch m := r.mounts[f.mount]; {
	case r.subject.noNewPrivs:
		return []core.Finding{failed(action, refuse("", 0, "the command can't gain privilege by executing a file (no_new_privs)", "--no-new-privs=false"))}
	case m.Has(string(ns.NoSUID)):
		return []core.Finding{failed(action, r.byMount([]*file{f}, ns.NoSUID, 0))}
	case !r.subject.knows(f):
		return []core.Finding{failed(action, refuse("", 0, r.subject.relation(f), ""))}
	}
	return []core.Finding{failed(action)}
}
