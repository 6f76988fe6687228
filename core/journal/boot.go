// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"slices"
	"strings"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
)

// bootFile tells which start of the kernel this is: a UUID made anew at each; random(4).
const bootFile = "/proc/sys/kernel/random/boot_id"

// boot returns which start of the kernel this is, or "" where that isn't to be seen.
func boot() string {
	text, err := plainfile.Read(bootFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// take takes what a journal says. A run directory that isn't in memory outlives a power
// cut, and the kernel's objects don't: see [Run.Owed].
func (r *Run) take(records []Record) {
	r.header, r.records = *records[0].Header, records[1:]
	// One nsrun has written all intents, so one of them tells.
	if i := slices.IndexFunc(r.records, func(rec Record) bool { return rec.Boot != "" }); i >= 0 {
		now := boot()
		r.earlier = now != "" && now != r.records[i].Boot
	}
}

// OfEarlierBoot reports whether the kernel has been started anew since the run was made.
func (r *Run) OfEarlierBoot() bool { return r.earlier }

// forget takes out of calls what names objects of the kernel: numbers and names that now
// are somebody else's, if anybody's. What plugins have made for a run they also find by
// the run's id, which nobody else has, as after a PreExec that was cut short.
func forget(calls []ns.HookRequest) []ns.HookRequest {
	for i := range calls {
		calls[i].State, calls[i].Paths = nil, nil
	}
	return calls
}
