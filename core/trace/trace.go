// SPDX-License-Identifier: Apache-2.0

// Package trace stores calls of plugins as JSON files, one for each call, for
// authors: NSRUN_TRACE=DIR makes the plugin host do so, and nsctl plugin replay
// makes the calls again.
package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/hostproc"
	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
)

// Env names the environment variable that holds the directory for traces.
const Env = "NSRUN_TRACE"

// The calls, as records name them.
const (
	Describe  = "describe"
	Negotiate = "negotiate"
	Check     = "check"
	Review    = "review"
	// Hooks are named by their point.
)

// calls are all values of a record's Call.
var calls = []string{Describe, Negotiate, Check, Review, string(ns.PreExec), string(ns.PostExec)}

// Record is one call of a plugin.
type Record struct {
	Plugin string `json:"plugin"`
	Call   string `json:"call"`
	// Start is when the call began, and Milliseconds how long it took.
	Start        time.Time `json:"start"`
	Milliseconds float64   `json:"milliseconds"`
	// Request is a ns.Request, ns.HookRequest, ns.ReviewRequest or ns.Facts, by Call. The values of
	// sensitive options are left out.
	Request json.RawMessage `json:"request,omitempty"`
	// Answer is what the plugin answered. It has none if the call failed.
	Answer json.RawMessage `json:"answer,omitempty"`
	// Errors say how the call failed.
	Errors []ns.Diagnostic `json:"errors,omitempty"`
}

// Host is a plugin host whose calls are stored.
type Host struct {
	hostproc.Host
	dir   string
	count atomic.Int64
}

// Wrap returns h with its calls stored in the directory dir, which is made if it
// isn't there. It must belong to the caller: what is written there may not be for
// others.
func Wrap(h hostproc.Host, dir string) (*Host, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make trace directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("make trace directory: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return nil, &ns.Diagnostic{Summary: "use trace directory " + dir + ": it isn't a directory that only you can write", Hint: Env + "=DIR, a directory of your own"}
	}
	return &Host{Host: h, dir: dir}, nil
}

// Describe implements hostproc.Host.
func (h *Host) Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error) {
	return record(h, p, Describe, nil, func() (*ns.Descriptor, error) { return h.Host.Describe(ctx, p) })
}

// Negotiate implements hostproc.Host.
func (h *Host) Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error) {
	shown := *req
	shown.Settings = h.shown(ctx, p, req.Settings)
	return record(h, p, Negotiate, shown, func() (*ns.Offer, error) { return h.Host.Negotiate(ctx, p, req) })
}

// Hook implements hostproc.Host.
func (h *Host) Hook(ctx context.Context, p find.Plugin, req *ns.HookRequest) (*ns.HookReply, error) {
	shown := *req
	shown.Request.Settings = h.shown(ctx, p, req.Request.Settings)
	return record(h, p, string(req.Point), shown, func() (*ns.HookReply, error) { return h.Host.Hook(ctx, p, req) })
}

// Check implements hostproc.Host.
func (h *Host) Check(ctx context.Context, p find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error) {
	return record(h, p, Check, facts, func() ([]ns.Diagnostic, error) { return h.Host.Check(ctx, p, facts) })
}

// Review implements hostproc.Host. Sensitive values of all plugins are left out of
// the request already, but for the plugin's own.
func (h *Host) Review(ctx context.Context, p find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	shown := *req
	shown.Request.Settings = h.shown(ctx, p, req.Request.Settings)
	return record(h, p, Review, shown, func() (*ns.ReviewReply, error) { return h.Host.Review(ctx, p, req) })
}

// Hidden stands for the values of sensitive options.
const Hidden = "(Hidden)"

// shown returns settings without the values of sensitive options. The host knows
// the descriptor, so asking for it costs nothing.
func (h *Host) shown(ctx context.Context, p find.Plugin, settings []ns.Setting) []ns.Setting {
	d, err := h.Host.Describe(ctx, p)
	shown := slices.Clone(settings)
	for i, s := range shown {
		o := (*ns.Option)(nil)
		if err == nil {
			o = d.Option(s.Option)
		}
		if o == nil || o.Sensitive {
			shown[i].Args = slices.Repeat([]string{Hidden}, len(s.Args))
		}
	}
	return shown
}

// record makes a call and stores it. A trace that can't be written fails the call:
// who asked for one would otherwise miss a part without knowing.
func record[T any](h *Host, p find.Plugin, call string, request any, f func() (T, error)) (T, error) {
	r := Record{Plugin: p.Name, Call: call, Start: time.Now()}
	answer, err := f()
	r.Milliseconds = float64(time.Since(r.Start).Microseconds()) / 1000
	if err != nil {
		r.Errors = ns.Diagnose(err)
	} else {
		r.Answer, _ = json.Marshal(answer)
	}
	if request != nil {
		r.Request, _ = json.Marshal(request)
	}
	if writeErr := h.write(&r); writeErr != nil && err == nil {
		err = fmt.Errorf("write trace: %w", writeErr)
	}
	return answer, err
}

// write stores a record in a new file, named so that they sort as they began.
func (h *Host) write(r *Record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%03d-%s-%s.json", r.Start.UTC().Format("20060102T150405.000000"), h.count.Add(1), r.Plugin, r.Call)
	f, err := os.OpenFile(filepath.Join(h.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Stored is a record with the name of its file.
type Stored struct {
	File string
	Record
}

// Read returns the records in the directory dir, as they began. What is wrong
// with any of them is an error that names file, line and key.
func Read(dir string) ([]Stored, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read trace: %w", err)
	}
	var all []Stored
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		s, err := readFile(filepath.Join(dir, e.Name()))
		errs = append(errs, err)
		all = append(all, s)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// maxFile is the largest file in bytes: a request and an answer of the largest size,
// as JSON.
const maxFile = 64 << 20

func readFile(path string) (Stored, error) {
	s := Stored{File: filepath.Base(path)}
	text, err := plainfile.ReadText(path, maxFile)
	if err != nil {
		return s, &ns.Diagnostic{Summary: fmt.Sprintf("read trace: %v", err), Hint: "remove the file, or make the trace again"}
	}
	if err := s.parse(path, text); err != nil {
		return s, err
	}
	return s, nil
}

// parse reads a record, strictly: what replay wouldn't look at must not look as if it
// did.
func (s *Stored) parse(path string, text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&s.Record)
	at := d.InputOffset()
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &mismatch):
		at, err = mismatch.Offset, fmt.Errorf("%s: %s can't be %s", mismatch.Field, mismatch.Type, mismatch.Value)
	case err == nil && !slices.Contains(calls, s.Call):
		at = int64(bytes.Index(text, []byte(`"call"`)))
		err = fmt.Errorf("call: %q is none of %s", s.Call, strings.Join(calls, ", "))
	case err == nil && !ns.ValidName(s.Plugin):
		at = int64(bytes.Index(text, []byte(`"plugin"`)))
		err = fmt.Errorf("plugin: %q is no plugin's name", s.Plugin)
	}
	if err == nil {
		return nil
	}
	line := 1 + bytes.Count(text[:min(max(at, 0), int64(len(text)))], []byte("\n"))
	return &ns.Diagnostic{Summary: fmt.Sprintf("read trace %s:%d: %s", path, line, strings.TrimPrefix(err.Error(), "json: ")),
		Hint: "remove the file, or make the trace again: " + Env + "=DIR nsrun ..."}
}
