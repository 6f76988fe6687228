// SPDX-License-Identifier: Apache-2.0

package ns

// BinaryPrefix starts the file name of every plugin: nsrun-plugin-NAME.
const BinaryPrefix = "nsrun-plugin-"

// MaxName is the longest plugin name in bytes.
const MaxName = 32

// ValidName reports whether s can be the name of a plugin: a lower-case letter
// or digit, then up to 31 of those or hyphens. A name can therefore never hold
// a path separator, a dot or a space.
func ValidName(s string) bool {
	if s == "" || len(s) > MaxName || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
