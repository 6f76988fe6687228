// SPDX-License-Identifier: Apache-2.0

package conform

import "time"

// Limits are how long a plugin may take. Zero means no limit.
type Limits struct {
	Start time.Duration // from exec to the handshake line
	Call  time.Duration // Describe, Negotiate
	Hook  time.Duration // PreExec, PostExec, Update
	Check time.Duration
	End   time.Duration // from Shutdown, or the end of the lifeline, to the end of the process
}

// SpecLimits are those of SPEC.md, [R-3] and [P-5]. Call is how quick a plugin SHOULD be:
// nsrun itself waits longer, since its machine may be busy.
var SpecLimits = Limits{Start: 5 * time.Second, Call: 2 * time.Second, Hook: 30 * time.Second, Check: 10 * time.Second, End: time.Second}

// Times returns limits that are n times as long, for a machine that is loaded.
func (l Limits) Times(n int) Limits {
	f := time.Duration(n)
	return Limits{Start: f * l.Start, Call: f * l.Call, Hook: f * l.Hook, Check: f * l.Check, End: f * l.End}
}
