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
		have, err := s.get()
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(s.key, "ipv6/") {
			continue
		}
		if err == nil && have != s.value {
			err = os.WriteFile(s.path(), []byte(s.value), 0)
		}
		if err != nil {
			return s.failed(err)
		}
	}
	return nil
}

// setFrom writes the parameter if its value is old.
func (s sysctl) setFrom(old string) error {
	have, err := s.get()
	if err == nil && have == old {
		return set(s)
	}
	if err != nil {
		return s.failed(err)
	}
	return nil
}

// get reads the parameter's value.
func (s sysctl) get() (string, error) {
	text, err := os.ReadFile(s.path())
	return strings.TrimSpace(string(text)), err
}

func (s sysctl) path() string { return filepath.Join("/proc/sys/net", s.key) }

// name is the parameter's, as sysctl(8) has it.
func (s sysctl) name() string { return strings.ReplaceAll(s.key, "/", ".") }

func (s sysctl) failed(err error) error {
	return fmt.Errorf("set sysctl %s to %s: %w", s.name(), s.value, errors.Unwrap(err))
}
