// SPDX-License-Identifier: Apache-2.0

// Package nstoml reads TOML files as users deserve: strictly, with the file, the
// line, the key and a way out in each error, and all errors at once.
//
// It is a package of its own so that plugins without such a file don't link a TOML
// library.
package nstoml

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/nsrun/nsrun/ns"
)

// File is a TOML file that was read. It knows the lines of all keys.
type File struct {
	// Path is the file's, for messages.
	Path string
	// Hint says what to do about an error for which there is nothing better to say.
	Hint  string
	lines map[string]int
}

// Decode reads text, the content of the file at path, into v, a pointer to a
// struct whose fields have toml tags. A key that v has no field for, and a value of
// another type than the field's, is an error; hint is what the messages of those
// suggest for which there is nothing better. The error joins all that is wrong, as
// *ns.Diagnostic. The file is returned in any case, and v has what is right of a file
// that is TOML, so that its meaning can be checked as well.
func Decode(path, text string, v any, hint string) (*File, error) {
	f := &File{Path: path, Hint: hint, lines: map[string]int{}}
	var tree map[string]any
	if err := toml.Unmarshal([]byte(text), &tree); err != nil {
		return f, f.syntax(err)
	}
	f.lines = linesOf([]byte(text))
	c := checker{file: f}
	c.value("", tree, reflect.TypeOf(v).Elem())
	if len(c.errs) > 0 {
		return f, errors.Join(append(c.errs, remarshal(tree, v))...)
	}
	if err := toml.Unmarshal([]byte(text), v); err != nil {
		return f, f.syntax(err)
	}
	return f, nil
}

// remarshal reads into v what the checker has left of a file.
func remarshal(tree map[string]any, v any) error {
	text, err := toml.Marshal(tree)
	if err != nil {
		return err
	}
	return toml.Unmarshal(text, v)
}

// Line returns the line of a key, written with dots: "table.key", and
// "table.list.0" for the first entry of a list. A key that isn't there has the
// line of the one above it, or 1.
func (f *File) Line(key string) int {
	for key != "" {
		if n, ok := f.lines[key]; ok {
			return n
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return 1
}

// Keys returns the keys of the table at key in the order of the file.
func Keys[V any](f *File, key string, table map[string]V) []string {
	return slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		return cmp.Or(f.Line(join(key, a))-f.Line(join(key, b)), strings.Compare(a, b))
	})
}

// Errorf returns an error at a key, which is written as for [File.Line]: the file,
// the line and the key are put before the text. An empty key means the file as a
// whole.
func (f *File) Errorf(key, format string, args ...any) *ns.Diagnostic {
	text := fmt.Sprintf(format, args...)
	if name := shown(key); name != "" {
		text = name + ": " + text
	}
	return f.at(f.Line(key), text)
}

func (f *File) at(line int, text string) *ns.Diagnostic {
	return &ns.Diagnostic{Summary: fmt.Sprintf("read %s:%d: %s", f.Path, line, text), Hint: f.Hint}
}

// shown returns a key as the user knows it, without the numbers of list entries.
func shown(key string) string {
	var parts []string
	for part := range strings.SplitSeq(key, ".") {
		if strings.Trim(part, "0123456789") != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ".")
}

// syntax returns what the TOML library found wrong, which is one thing.
func (f *File) syntax(err error) error {
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return f.at(1, strings.TrimPrefix(err.Error(), "toml: "))
	}
	line, _ := decode.Position()
	text := strings.TrimPrefix(decode.Error(), "toml: ")
	if key := strings.Join(decode.Key(), "."); key != "" {
		text = key + ": " + text
	}
	return f.at(line, text)
}
