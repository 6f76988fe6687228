// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Options are the arguments of nsrun-host.
type Options struct {
	// Dir is the directory below which plugins have their sockets. Required.
	Dir string
	// Debug makes the plugin host log to its standard error.
	Debug bool
	// KeepWarm is how long it waits for another client when one has left, and Key
	// which clients may come; see [Key]. Zero: it serves one client.
	KeepWarm time.Duration
	Key      string
}

// Stays reports whether the plugin host outlives its first client.
func (o Options) Stays() bool { return o.KeepWarm > 0 }

func (o Options) args() []string {
	args := []string{o.Dir}
	if o.Debug {
		args = append(args, "--debug")
	}
	if o.Stays() {
		args = append(args, "--keep-warm", o.KeepWarm.String(), o.Key)
	}
	return args
}

// ParseOptions reads the arguments of nsrun-host.
func ParseOptions(args []string) (o Options, err error) {
	if len(args) == 0 || !filepath.IsAbs(args[0]) {
		return o, errors.New("nsrun starts this by itself: run nsrun --help")
	}
	o.Dir, args = args[0], args[1:]
	for len(args) > 0 {
		switch {
		case args[0] == "--debug":
			o.Debug, args = true, args[1:]
		case args[0] == "--keep-warm" && len(args) >= 3:
			o.Key = args[2]
			if o.KeepWarm, err = time.ParseDuration(args[1]); err != nil {
				return o, err
			}
			args = args[3:]
		default:
			return o, fmt.Errorf("unknown argument %q", args[0])
		}
	}
	return o, nil
}
