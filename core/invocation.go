// SPDX-License-Identifier: Apache-2.0

package core

import (
	"strconv"
	"strings"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Invocation is a command line that was read: what is to be run, and how.
type Invocation struct {
	// Members are the chosen plugins.
	Members []*Member
	// Chosen says that --plugins was given.
	Chosen bool
	// Command is the command and its arguments; empty when none was given.
	Command []string

	Name        string
	Env         []string // as -e has it: KEY=VALUE, or KEY to pass the caller's on
	ClearEnv    bool
	Dir         string
	UID, GID    *uint32
	NoNewPrivs  bool
	TTY         string // "", always, auto or never
	DryRun      string // "", text, json or syscalls
	StatusFD    int    // -1 without one
	Timings     string // "", text, json or "svg FILE"
	KeepWarm    time.Duration
	ShowVersion bool
	ShowHelp    bool
}

// Member is a plugin of the run.
type Member struct {
	Choice
	Plugin     find.Plugin
	Descriptor *ns.Descriptor
	// Owns are the kinds that the plugin owns in this run.
	Owns     []ns.Kind
	Settings []ns.Setting
}

// apply takes nsrun's own settings over into the invocation and returns what is
// wrong with them.
func (inv *Invocation) apply(settings []ns.Setting) (errs []error) {
	inv.NoNewPrivs, inv.StatusFD = true, -1
	for _, s := range settings {
		if err := inv.applyOne(s.Option, s.Args[0]); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (inv *Invocation) applyOne(option, value string) error {
	switch option {
	case "name":
		return inv.setName(value)
	case "env":
		return inv.addEnv(value)
	case "chdir":
		inv.Dir = value
	case "user":
		return inv.setUser(value)
	case "tty":
		return inv.setTTY(value)
	case "dry-run":
		inv.DryRun = value
	case "timings":
		return inv.setTimings(value)
	case "status-fd":
		fd, err := strconv.ParseUint(value, 10, 16)
		inv.StatusFD = int(fd)
		return badValue(err, option, value, "a file descriptor that is open, as in --status-fd 3 3>log")
	case "keep-warm":
		return inv.setKeepWarm(value)
	case "plugin-dir", "locked": // taken by Preview
	default:
		return inv.applySwitch(option, value)
	}
	return nil
}

// setTimings takes over how to show where the time went.
func (inv *Invocation) setTimings(value string) error {
	switch {
	case value == "true":
		value = "text"
	case value == "false":
		value = ""
	case value != "text" && value != "json" && !strings.HasPrefix(value, "svg "):
		return badValue(strconv.ErrSyntax, "timings", value, "--timings, --timings=json or --timings=svg FILE")
	}
	inv.Timings = value
	return nil
}

// applySwitch takes over an option that is true or false.
func (inv *Invocation) applySwitch(option, value string) error {
	var early bool // Preview has taken it
	switches := map[string]*bool{"clearenv": &inv.ClearEnv, "no-new-privs": &inv.NoNewPrivs, "no-cache": &early,
		"debug": &early, "version": &inv.ShowVersion, "help": &inv.ShowHelp}
	target, ok := switches[option]
	if !ok {
		return nil
	}
	on, err := strconv.ParseBool(value)
	*target = on
	return badValue(err, option, value, "--"+option+" or --"+option+"=false")
}

func badValue(err error, option, value, hint string) error {
	if err == nil {
		return nil
	}
	return &ns.Diagnostic{Option: option, Summary: "--" + option + ": " + strconv.Quote(value) + " can't be used", Hint: hint}
}

// maxRunName keeps names fit for a file name and a column of nsctl ps.
const maxRunName = 64

func (inv *Invocation) setName(name string) error {
	ok := name != "" && len(name) <= maxRunName && !strings.HasPrefix(name, "-")
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c))
	}
	if !ok {
		return badValue(strconv.ErrSyntax, "name", name, "letters, digits, hyphens, underscores and dots, at most 64")
	}
	inv.Name = name
	return nil
}

func (inv *Invocation) addEnv(value string) error {
	if key, _, _ := strings.Cut(value, "="); key == "" || strings.ContainsRune(value, 0) {
		return badValue(strconv.ErrSyntax, "env", value, "KEY=VALUE, or KEY to pass the caller's value on")
	}
	inv.Env = append(inv.Env, value)
	return nil
}

// setUser reads UID[:GID]. Ids are strict numbers: a name, a sign or an
// overflow must never end up as 0.
func (inv *Invocation) setUser(value string) error {
	uidText, gidText, hasGID := strings.Cut(value, ":")
	uid, err := parseID(uidText)
	if err != nil {
		return badValue(err, "user", value, "UID or UID:GID as numbers below 4294967295")
	}
	inv.UID, inv.GID = &uid, &uid
	if hasGID {
		gid, err := parseID(gidText)
		inv.GID = &gid
		return badValue(err, "user", value, "UID or UID:GID as numbers below 4294967295")
	}
	return nil
}

// noID is (uid_t)-1, which setresuid(2) takes for "leave it".
const noID = 1<<32 - 1

func parseID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err == nil && (id == noID || strings.HasPrefix(s, "+")) {
		err = strconv.ErrRange
	}
	return uint32(id), err
}
