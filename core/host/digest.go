// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Digest returns the SHA-256 of the plugin's file in hexadecimal digits. It is read
// through the descriptor that was checked, and that would be executed.
func (h *Host) Digest(_ context.Context, p find.Plugin) (string, error) {
	sum, err := digest(p)
	if err != nil {
		return "", &ns.Diagnostic{Plugin: p.Name, Summary: "read " + p.Path + ": " + err.Error(), Hint: "a plugin that is locked has to be readable for its user"}
	}
	return sum, nil
}

func digest(p find.Plugin) (string, error) {
	checked, err := find.Open(p)
	if err != nil {
		return "", err
	}
	defer checked.Close()
	// The descriptor is O_PATH: good for execution, and to open the same file again.
	file, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", checked.Fd()))
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
