// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"

	"github.com/nsrun/nsrun/internal/plainfile"
	"golang.org/x/sys/unix"
)

// Lifeline makes a FIFO in the run directory, mode 0600, and returns its path. Its writing
// end is held by this process alone, until [Run.Remove], [Run.Close] or the process's death:
// whoever reads it sees end of file from then on, as the last writer is gone; fifo(7).
func (r *Run) Lifeline() (string, error) {
	path := filepath.Join(r.dir, "lifeline")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return "", dirProblem(path, err, "free space or inodes there")
	}
	// For writing alone, open(2) would wait for a reader.
	f, err := plainfile.Open(path, os.O_RDWR, 0)
	if err != nil {
		return "", dirProblem(path, err, "see the reason above")
	}
	r.lifeline = f
	return path, nil
}

// releaseLifeline lets what serves the run end.
func (r *Run) releaseLifeline() error {
	if r.lifeline == nil {
		return nil
	}
	return r.lifeline.Close()
}
