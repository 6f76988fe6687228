// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sysctl is a kernel parameter of the network namespace that the thread is in, by
// its path below /proc/sys/net; ip-sysctl(5).
type sysctl struct{ key, value string }

// set writes the parameters that don't have their value already. Those of IPv6 may
// be missing, where the kernel has none.
func set(all ...sysctl) error {
	for _, s := range all {
		path := filepath.Join("/proc/sys/net", s.key)
		have, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(s.key, "ipv6/") {
			continue
		}
		if err == nil && strings.TrimSpace(string(have)) == s.value {
			continue
		}
		if err == nil {
			err = os.WriteFile(path, []byte(s.value), 0)
		}
		if err != nil {
			return fmt.Errorf("set sysctl %s to %s: %w", strings.ReplaceAll(s.key, "/", "."), s.value, errors.Unwrap(err))
		}
	}
	return nil
}
