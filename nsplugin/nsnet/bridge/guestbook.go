// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// guestbook is a directory with a file for each [Guest], named by the run's id. The table
// stays while there is one.
const guestbook = Dir + "/guests"

func guestFile(runID string) string { return filepath.Join(guestbook, runID) }

// write writes the guest down, whole or not at all.
func (g *Guest) write() error {
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encode guest: %w", err)
	}
	if err := os.MkdirAll(guestbook, 0o700); err != nil {
		return err
	}
	return replaceFile(guestFile(g.RunID), data)
}

// isGuest reports whether the run has been written down, or was about to be.
func isGuest(runID string) bool {
	whole, _ := filepath.Glob(guestFile(runID) + "*")
	return len(whole) > 0
}

// readGuests returns the run's guest, or nil, and all others.
func readGuests(runID string) (own *Guest, others []*Guest, err error) {
	entries, err := os.ReadDir(guestbook)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, e := range entries {
		g := &Guest{}
		data, err := os.ReadFile(filepath.Join(guestbook, e.Name()))
		switch {
		case err != nil || json.Unmarshal(data, g) != nil || g.RunID != e.Name():
			// Cut short, before anything was done.
		case g.RunID == runID:
			own = g
		default:
			others = append(others, g)
		}
	}
	return own, others, nil
}

// dropGuest strikes the run out.
func dropGuest(runID string) error {
	for _, file := range []string{partOf(guestFile(runID)), guestFile(runID)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
