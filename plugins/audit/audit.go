// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// audit appends a line of JSON to a log when a run starts and when it has ended.
type audit struct {
	Log string `option:"audit-log" type:"path" help:"append to this file instead of /var/log/nsrun/audit.jsonl, or ~/.local/state/nsrun/audit.jsonl"`
}

// Describe implements nsplugin.Plugin.
func (*audit) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name: "audit", Version: "1.0.0", Summary: "writes down who ran what plan, and when",
		Requires: []string{ns.FeaturePlan},
	}
}

// Negotiate implements nsplugin.Plugin.
func (a *audit) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if _, err := a.path(&req.Facts); err != nil {
		return nil, err
	}
	return &ns.Offer{Hooks: []ns.Point{ns.PreExec, ns.PostExec}, Freshness: &ns.Freshness{}}, nil
}

// path returns where the log is. An ordinary user's is in the user's home.
func (a *audit) path(facts *ns.Facts) (string, error) {
	if a.Log != "" {
		return a.Log, nil
	}
	if facts.Root() {
		return "/var/log/nsrun/audit.jsonl", nil
	}
	home := os.Getenv("HOME")
	if !filepath.IsAbs(home) {
		return "", nsplugin.Errorf("find audit log: HOME is not set").WithOption("audit-log").WithHint("--audit-log FILE")
	}
	return filepath.Join(home, ".local", "state", "nsrun", "audit.jsonl"), nil
}

// line is what is written at an event.
type line struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"` // start or end
	Run   string    `json:"run"`
	Name  string    `json:"name"`
	UID   int       `json:"uid"`
	User  string    `json:"user,omitempty"`
	PID   int       `json:"pid,omitempty"` // of the command's process, or of its init
	Dir   string    `json:"dir"`
	Kinds []ns.Kind `json:"kinds"`
	Plan  string    `json:"plan"` // sha256 of what nsrun --dry-run=json prints
}

// The files in the run's directory that say what is written. PostExec may be
// called again, and for a run that never started.
const (
	started = "audit.start"
	ended   = "audit.end"
)

// PreExec implements nsplugin.PreExecer. A run that can't be written down doesn't
// start.
func (a *audit) PreExec(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	if _, err := mark(req, started); err != nil {
		return nil, err
	}
	return nil, a.write(req, "start")
}

// PostExec implements nsplugin.PostExecer.
func (a *audit) PostExec(_ context.Context, req *ns.HookRequest) error {
	if _, err := os.Lstat(filepath.Join(req.StateDir, started)); err != nil {
		return nil // nothing was written down
	}
	first, err := mark(req, ended)
	if err != nil || !first {
		return err
	}
	return a.write(req, "end")
}

// mark makes a file in the run's directory, and reports whether it is new.
func mark(req *ns.HookRequest, name string) (bool, error) {
	f, err := os.OpenFile(filepath.Join(req.StateDir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, nsplugin.Errorf("mark run: %w", err)
	}
	return true, f.Close()
}

// write appends a line for an event.
func (a *audit) write(req *ns.HookRequest, event string) error {
	path, err := a.path(&req.Request.Facts)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(req.Plan)
	facts := &req.Request.Facts
	text, err := json.Marshal(line{
		Time: time.Now().UTC(), Event: event, Run: req.RunID, Name: req.RunName, UID: facts.UID, User: facts.UserName,
		PID: req.PID, Dir: facts.Dir, Kinds: req.Request.Kinds, Plan: "sha256:" + hex.EncodeToString(sum[:]),
	})
	if err != nil {
		return nsplugin.Errorf("write audit log: %w", err)
	}
	if err := appendTo(path, append(text, '\n')); err != nil {
		return nsplugin.Errorf("write audit log: %w", err).WithOption("audit-log").
			WithHint("--audit-log FILE, a file that you can append to")
	}
	return nil
}

// appendTo appends text by one write(2), which O_APPEND keeps whole beside those
// of other runs. The file is for its owner alone, and never a link's target:
// whoever could put a link there would have root write where he can't.
func appendTo(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
