// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"reflect"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Version is the version of the journal's form.
const Version = 1

// Header is the first record: whose run it is.
type Header struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	UID     int    `json:"uid"`
	// PID of the nsrun that made the run, to show; never to decide who is alive.
	PID int `json:"pid"`
	// Started is in seconds since the epoch.
	Started int64         `json:"started"`
	Argv    []string      `json:"argv"`
	Kinds   []ns.Kind     `json:"kinds"`
	Plugins []find.Plugin `json:"plugins"`
}

// Type says what a record tells.
type Type string

// The types of records.
const (
	// Child tells the process id of the sandbox's first process.
	Child Type = "child"
	// Reaper tells the process id of the process that settles the run if its nsrun
	// is killed.
	Reaper Type = "reaper"
	// Intent is written before a PreExec hook is called: from here on PostExec
	// is owed.
	Intent Type = "intent"
	// Started is written when the command has been executed.
	Started Type = "started"
	// Done is written when the hook has answered.
	Done Type = "done"
	// Updating is written before a plugin is asked to change what it has made for the
	// run: from here on that isn't known.
	Updating Type = "updating"
	// Updated is written when it has answered.
	Updated Type = "updated"
	// Undone is written when PostExec has succeeded.
	Undone Type = "undone"
)

// Record is one thing that happened in a run.
type Record struct {
	Header  *Header         `json:"header,omitempty"`
	Type    Type            `json:"type,omitempty"`
	PID     int             `json:"pid,omitempty"`
	Plugin  string          `json:"plugin,omitempty"`
	Request *ns.HookRequest `json:"request,omitempty"` // of an Intent
	// Boot is, of an Intent, the start of the kernel that saw it, "" if that wasn't to
	// be seen.
	Boot    string            `json:"boot,omitempty"`
	State   []byte            `json:"state,omitempty"`   // of a Done or Updated
	Results map[string]string `json:"results,omitempty"` // of a Done or Updated
	Joining *Joining          `json:"joining,omitempty"` // of a Started
	// Settings are, of an Updated, those that the plugin's part of the run has now.
	Settings []ns.Setting `json:"settings,omitempty"`
}

// Joining is what a process needs that is to join a run as it is, to be held as
// the command is.
type Joining struct {
	// IDMap is the user namespace's map, if the run has one.
	IDMap *ns.IDMap `json:"idMap,omitempty"`
	// Steps are those that restrict the command's process.
	Steps []ns.PlannedStep `json:"steps,omitempty"`
	// Others are the rest of the steps, which who joins finds done, without their
	// data, which may be secret: they say which plugin made what there is.
	Others []ns.PlannedStep `json:"others,omitempty"`
	// Env is what plugins added to the command's environment.
	Env []ns.PlannedEnv `json:"env,omitempty"`
	// UID and GID are what --user asked for.
	UID *uint32 `json:"uid,omitempty"`
	GID *uint32 `json:"gid,omitempty"`
	// NoNewPrivs is what --no-new-privs said.
	NoNewPrivs bool `json:"noNewPrivs,omitempty"`
	// TTY is what --tty said.
	TTY string `json:"tty,omitempty"`
}

// encode returns the record as one line: the checksum of its JSON, and the JSON.
func (r *Record) encode() ([]byte, error) {
	line, err := appendJSON([]byte(blankSum), reflect.ValueOf(r))
	if err != nil {
		return nil, err
	}
	sum := checksum(line[len(blankSum):])
	copy(line, hex.AppendEncode(nil, binary.BigEndian.AppendUint32(nil, sum)))
	return append(line, '\n'), nil
}

// blankSum is where the checksum goes in a line.
const blankSum = "00000000 "

// checksum is the CRC-32 of Koopman's polynomial: any would do, and this is the
// one that package crc32 doesn't make large tables for.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Koopman)) }

// decode returns the records of a journal up to the first line that is torn or
// damaged: what was written after it can't be trusted to follow it.
func decode(b []byte) []Record {
	var records []Record
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return records
		}
		r, ok := decodeLine(line)
		if !ok {
			return records
		}
		records = append(records, r)
		b = rest
	}
}

// headed reports whether records begin with a header: whatever a journal says, it is only
// known of which run if they do.
func headed(records []Record) bool { return len(records) > 0 && records[0].Header != nil }

func decodeLine(line []byte) (Record, bool) {
	var r Record
	sum, text, ok := bytes.Cut(line, []byte(" "))
	if !ok || string(sum) != fmt.Sprintf("%08x", checksum(text)) {
		return r, false
	}
	return r, json.Unmarshal(text, &r) == nil
}
