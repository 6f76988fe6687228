// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes the file at path in one step: who reads it meanwhile sees the old
// one. All may read it, whatever the umask is.
func (f *File) Write(path string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".nsrun-lock-")
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	_, err = temp.WriteString(f.Format())
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write lock file: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
