// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFaults is how many faults of one answer are told. A plugin that is wrong
// ten times is wrong for one reason.
const maxFaults = 10

// faults collects what is wrong with a plugin's answer.
type faults struct {
	of    string // what is read: "read offer"
	where string // the part being checked, with a colon: "step 3 (bind): "
	list  []Diagnostic
	more  int // faults beyond maxFaults
}

func (f *faults) add(format string, args ...any) {
	if len(f.list) == maxFaults {
		f.more++
		return
	}
	f.list = append(f.list, Diagnostic{
		Summary: f.of + ": " + f.where + fmt.Sprintf(format, args...),
		Hint:    "report this to the plugin's author",
	})
}

// UpgradeNsrun is what to do about a plugin that asks for what this nsrun doesn't
// know: it was made for a newer one, or is wrong.
const UpgradeNsrun = "upgrade nsrun, for which the plugin may be too new, or go back to an older plugin: nsctl plugin install FILE"

// unknown adds a value of a closed set that this nsrun doesn't know, which may be one
// of a later version: SPEC.md, R-8.
func (f *faults) unknown(format string, args ...any) {
	told := len(f.list)
	f.add(format, args...)
	if len(f.list) > told {
		f.list[told].Hint = UpgradeNsrun
	}
}

// diagnostics returns what was collected, nil if nothing was.
func (f *faults) diagnostics() []Diagnostic {
	if f.more > 0 {
		f.list[maxFaults-1].Detail = fmt.Sprintf("and %d more faults", f.more)
	}
	return f.list
}

// text checks what may hold line breaks: valid UTF-8 without NUL.
func (f *faults) text(what, s string) {
	switch {
	case len(s) > MaxString:
		f.add("%s is longer than %d bytes", what, MaxString)
	case !utf8.ValidString(s):
		f.add("%s is not UTF-8: %s", what, quote(s))
	case strings.ContainsRune(s, 0):
		f.add("%s holds a NUL byte: %s", what, quote(s))
	}
}

// line checks what is shown in one line: text without control characters, and
// nothing else that an honest author would leave out of a name.
func (f *faults) line(what, s string) {
	f.text(what, s)
	if i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		f.add("%s holds a character that can't be printed: %s", what, quote(s))
	}
}

// required checks a line that must not be empty.
func (f *faults) required(what, s string) {
	if s == "" {
		f.add("%s is missing", what)
	}
	f.line(what, s)
}

// path checks an absolute path without "..", which would depend on where
// symbolic links lead; path_resolution(7).
func (f *faults) path(what, p string) {
	f.text(what, p)
	switch {
	case !path.IsAbs(p):
		f.add("%s is not an absolute path: %s", what, quote(p))
	case len(p) > MaxPath:
		f.add("%s is longer than %d bytes", what, MaxPath)
	case slices.Contains(strings.Split(p, "/"), ".."):
		f.add("%s holds \"..\": %s", what, quote(p))
	}
}

// count checks the length of a list, and reports whether it is worth reading.
func (f *faults) count(what string, n, limit int) bool {
	if n > limit {
		f.add("%d %s, and %d are the limit", n, what, limit)
	}
	return n <= limit
}

// lines checks a list of words without duplicates.
func (f *faults) lines(what string, list []string) {
	f.count(what, len(list), MaxList)
	for i, s := range list {
		f.required(fmt.Sprintf("entry %d of %s", i+1, what), s)
		if slices.Contains(list[:i], s) {
			f.add("%s has %s twice", what, quote(s))
		}
		if len(f.list) == maxFaults {
			return
		}
	}
}

// kinds checks a list of kinds, each of which must be one of allowed.
func (f *faults) kinds(what string, list, allowed []Kind, why string) {
	if !f.count(what, len(list), len(kinds)) {
		return
	}
	for i, k := range list {
		switch {
		case !k.Valid():
			f.unknown("%s has the unknown kind %s", what, quote(string(k)))
		case !slices.Contains(allowed, k):
			f.add("%s has %s, %s", what, k, why)
		case slices.Contains(list[:i], k):
			f.add("%s has %s twice", what, k)
		}
	}
}

// points checks a list of points, each of which must be one of allowed.
func (f *faults) points(list, allowed []Point, why string) {
	if !f.count("hooks", len(list), 2) {
		return
	}
	for i, p := range list {
		switch {
		case p != PreExec && p != PostExec:
			f.unknown("hooks has the unknown point %s", quote(string(p)))
		case !slices.Contains(allowed, p):
			f.add("hooks has %s, %s", p, why)
		case slices.Contains(list[:i], p):
			f.add("hooks has %s twice", p)
		}
	}
}

// quote returns s in quotes and short enough for a message.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}

// word reports whether s consists of a lower-case letter and then lower-case
// letters, digits and hyphens, max bytes at most.
func word(s string, limit int) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && len(s) <= limit &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && !strings.HasSuffix(s, "-")
}
