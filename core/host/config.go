// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Config says how a [Host] runs plugins.
type Config struct {
	// Dir holds the plugins' sockets. It is an absolute path of a directory with
	// mode 0700 that belongs to the caller. Required.
	Dir string
	// Logger gets what the plugins log and print, and what the host does. Nil
	// logs nothing.
	Logger *slog.Logger
	// Deadlines bound every call.
	Deadlines Deadlines
	// Reattach are plugins that aren't started, since they run already, by name.
	// Calls to them have an hour.
	Reattach map[string]Reattach
}

// Deadlines are how long a plugin may take. Zero means the default.
type Deadlines struct {
	Start     time.Duration // from exec to the handshake; 5 s
	Describe  time.Duration // 5 s
	Negotiate time.Duration // 5 s
	PreExec   time.Duration // 30 s
	PostExec  time.Duration // 30 s
	Check     time.Duration // 10 s
}

const (
	// dialTimeout is how long connecting to a plugin may take.
	dialTimeout = 2 * time.Second
	// grace is how long a plugin that is told to stop may take before it is killed.
	grace = 300 * time.Millisecond
)

func (d Deadlines) withDefaults() Deadlines {
	orElse := func(have *time.Duration, want time.Duration) {
		if *have == 0 {
			*have = want
		}
	}
	orElse(&d.Start, 5*time.Second)
	orElse(&d.Describe, 5*time.Second)
	orElse(&d.Negotiate, 5*time.Second)
	orElse(&d.PreExec, 30*time.Second)
	orElse(&d.PostExec, 30*time.Second)
	orElse(&d.Check, 10*time.Second)
	return d
}

// of is the deadline of a call at a point of a run.
func (d Deadlines) of(p ns.Point) time.Duration {
	switch p {
	case ns.PreExec:
		return d.PreExec
	case ns.CheckRun:
		return d.Check
	}
	return d.PostExec
}

// checkDir makes sure that nobody else can reach the sockets in dir.
func checkDir(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	switch {
	case !filepath.IsAbs(dir):
		return fmt.Errorf("use socket directory %s: not an absolute path", dir)
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("use socket directory %s: not a directory", dir)
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("use socket directory %s: belongs to uid %d", dir, st.Uid)
	case st.Mode&0o077 != 0:
		return fmt.Errorf("use socket directory %s: open to others (mode %04o)", dir, st.Mode&0o7777)
	}
	return nil
}
