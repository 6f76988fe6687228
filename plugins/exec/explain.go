// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/nsrun/nsrun/nsplugin"
)

// explain returns what the TOML parser found wrong as errors with file, line and
// key: unknown keys all at once, anything else one at a time.
func explain(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var errs []error
		for i := range strict.Errors {
			errs = append(errs, unknownKey(path, &strict.Errors[i]))
		}
		return errors.Join(errs...)
	}
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return nsplugin.Errorf("read %s: %w", path, err)
	}
	line, _ := decode.Position()
	key := ""
	if k := decode.Key(); len(k) > 0 {
		key = strings.Join(k, ".") + ": "
	}
	return nsplugin.Errorf("read %s:%d: %s%s", path, line, key, strings.TrimPrefix(decode.Error(), "toml: ")).
		WithHint("docs/exec-plugins.md has the keys and their types")
}

func unknownKey(path string, e *toml.DecodeError) error {
	line, _ := e.Position()
	key := e.Key()
	known := keys(reflect.TypeFor[definition]())
	if len(key) > 1 && key[0] == "option" {
		known = keys(reflect.TypeFor[option]())
	}
	hint := "the keys are " + strings.Join(known, ", ")
	if like := nearest(key[len(key)-1], known); like != "" {
		hint = "did you mean " + like + "?"
	}
	return nsplugin.Errorf("read %s:%d: unknown key %s", path, line, strings.Join(key, ".")).WithHint(hint)
}

// keys returns the keys that a struct is read from.
func keys(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		if key, ok := t.Field(i).Tag.Lookup("toml"); ok {
			all = append(all, key)
		}
	}
	return all
}

// nearest returns the word of known that is one or two letters away from s, or "".
func nearest(s string, known []string) string {
	best, found := 3, ""
	for _, k := range known {
		if d := distance(s, k); d < best && d < len(s) {
			best, found = d, k
		}
	}
	return found
}

// distance is the number of letters to add, drop or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

var optionFault = regexp.MustCompile(`^option (\d+) \(`)

// lineOf returns the line that a fault of the descriptor is about: that of the
// option by its number, or that of the key that the fault begins with.
func lineOf(text, fault string) int {
	header, nth := regexp.MustCompile(`^\s*`+regexp.QuoteMeta(strings.SplitN(fault, " ", 2)[0])+`\s*=`), 1
	if m := optionFault.FindStringSubmatch(fault); m != nil {
		header = regexp.MustCompile(`^\s*\[\[\s*option\s*\]\]`)
		nth, _ = strconv.Atoi(m[1])
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if header.MatchString(line) {
			if nth--; nth == 0 {
				return number
			}
		}
	}
	return 1
}
