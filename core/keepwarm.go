// SPDX-License-Identifier: Apache-2.0

package core

import (
	"os"
	"time"
)

// maxKeepWarm bounds --keep-warm: a plugin is a process like any other, and
// forgotten ones shouldn't stay for days.
const maxKeepWarm = 24 * time.Hour

// KeepWarm returns for how long plugins are to be kept as far as it is known before a
// file is read: the value of --keep-warm, else of NSRUN_KEEP_WARM, else 0.
func (p Preview) KeepWarm() (time.Duration, error) {
	value := os.Getenv("NSRUN_KEEP_WARM")
	if given := p.values("keep-warm"); len(given) > 0 {
		value = given[len(given)-1]
	}
	if value == "" {
		return 0, nil
	}
	return keepWarm(value)
}

// setKeepWarm takes over for how long plugins are to be kept, wherever that was given.
func (inv *Invocation) setKeepWarm(value string) (err error) {
	inv.KeepWarm, err = keepWarm(value)
	return err
}

func keepWarm(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err == nil && (d < 0 || d > maxKeepWarm) {
		err = os.ErrInvalid
	}
	return d, badValue(err, "keep-warm", value, "a duration up to 24h, such as 30s; 0 keeps nothing")
}
