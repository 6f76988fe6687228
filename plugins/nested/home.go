// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// home is the directory of a user's network, which all of his runs share. It lies
// beside the directory of the runs, and is there as long as the network is.
//
//	lock    who starts or ends the network has it
//	alive   the keeper has it as long as it lives; flock(2)
//	socket  where the network's process listens
//	*.log   what the processes said
type home string

// homeOf returns the directory for the network of the user whose run req is about.
func homeOf(req *ns.HookRequest) home {
	base, _, found := strings.Cut(req.StateDir, "/runs/"+req.RunID)
	if !found {
		base = req.StateDir
	}
	return home(filepath.Join(base, "nested"))
}

func (h home) file(name string) string { return filepath.Join(string(h), name) }

// id stands in the place of a run's id for what serves all runs: another one for each
// user, and for each directory.
func (h home) id() string {
	return fmt.Sprintf("nested-%d-%x", os.Geteuid(), sha256.Sum256([]byte(h)))[:24]
}

// title is the first word of the arguments of a process that serves all runs.
func (h home) title(role string) string { return "nsrun/" + h.id() + "/" + role }

func (h home) socket() string { return h.file("socket") }

// lockTime is how long the lock is waited for that others hold while they start or end
// the network.
const lockTime = 20 * time.Second

// lock makes the directory and takes its lock, until unlock is called. Who ends the
// network removes the directory with the lock in it; then others wait for a file that
// isn't there any more, and begin again.
func (h home) lock() (unlock func(), err error) {
	for {
		if err := os.MkdirAll(string(h), 0o700); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(h.file("lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !nsnet.Flock(f, lockTime) {
			f.Close()
			return nil, fmt.Errorf("lock %s: others hold it for longer than %v", f.Name(), lockTime)
		}
		if same(f, h.file("lock")) {
			return func() { f.Close() }, nil
		}
		f.Close()
	}
}

// same reports whether path is still the file f.
func same(f *os.File, path string) bool {
	mine, err := f.Stat()
	theirs, err2 := os.Stat(path)
	return err == nil && err2 == nil && os.SameFile(mine, theirs)
}

// awaitEnd waits until no keeper lives, and reports whether that came true in time.
func (h home) awaitEnd(patience time.Duration) bool {
	f, err := os.Open(h.file("alive"))
	if err != nil {
		return os.IsNotExist(err)
	}
	defer f.Close()
	return nsnet.Flock(f, patience)
}

// markAlive takes the keeper's lock, which ends with this process.
func (h home) markAlive() error {
	f, err := os.OpenFile(h.file("alive"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3) // for Go not to close it with f
	if err == nil {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	}
	return err
}
