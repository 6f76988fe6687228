// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"unicode"
)

// MaxText is how many bytes of one text of a diagnostic nsrun takes.
const MaxText = 8 << 10

// utf8 returns s with U+FFFD for what isn't UTF-8, which protobuf refuses to
// send. It is for texts to show, not for names to act on.
func utf8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Printable returns s as one line for a terminal: without control characters,
// of which an escape sequence needs one, and cut off at MaxText.
func Printable(s string) string {
	if len(s) > MaxText {
		s = utf8(s[:MaxText]) + " ..."
	}
	line := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '\uFFFD'
	}, s)
	return strings.TrimSpace(line)
}
