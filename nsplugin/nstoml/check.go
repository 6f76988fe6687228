// SPDX-License-Identifier: Apache-2.0

package nstoml

import (
	"fmt"
	"reflect"
	"strings"
)

// checker compares what a file holds with the type that is to take it, and takes out
// what doesn't fit. The library would compare as well, and stop at the first value of a
// wrong type.
type checker struct {
	file *File
	errs []error
}

// value checks the value at key, as the library decodes it into any, against t, and
// reports whether t can take it, or what is left of it.
func (c *checker) value(key string, v any, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer:
		return c.value(key, v, t.Elem())
	case reflect.Struct:
		return c.table(key, v, func(name string) reflect.Type { return c.field(key, name, t) })
	case reflect.Map:
		return c.table(key, v, func(string) reflect.Type { return t.Elem() })
	case reflect.Slice:
		return c.list(key, v, t.Elem())
	}
	return c.scalar(key, v, t)
}

// list checks a list, which fits only as a whole: a part of it would be something else.
func (c *checker) list(key string, v any, t reflect.Type) bool {
	list, ok := v.([]any)
	if !ok {
		return c.mismatch(key, v, "a list in brackets")
	}
	for i, entry := range list {
		ok = c.value(fmt.Sprintf("%s.%d", key, i), entry, t) && ok
	}
	return ok
}

// table checks a table and takes out the keys that don't fit; typeOf returns the type of
// each of its keys, or nil for one that it has complained about.
func (c *checker) table(key string, v any, typeOf func(string) reflect.Type) bool {
	table, ok := v.(map[string]any)
	if !ok {
		return c.mismatch(key, v, "a table")
	}
	for _, name := range Keys(c.file, key, table) {
		if t := typeOf(name); t == nil || !c.value(join(key, name), table[name], t) {
			delete(table, name)
		}
	}
	return true
}

// field returns the type of the field that the tag name belongs to.
func (c *checker) field(key, name string, t reflect.Type) reflect.Type {
	var known []string
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("toml")
		if tag == name {
			return t.Field(i).Type
		}
		if ok {
			known = append(known, tag)
		}
	}
	whole := join(key, name)
	d := c.file.at(c.file.Line(whole), "unknown key "+shown(whole))
	d.Hint = "the keys are " + strings.Join(known, ", ")
	if like := Nearest(name, known); like != "" {
		d.Hint = "did you mean " + like + "?"
	}
	c.errs = append(c.errs, d)
	return nil
}

func (c *checker) scalar(key string, v any, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String:
		if _, ok := v.(string); !ok {
			return c.mismatch(key, v, "a string in quotes")
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return c.mismatch(key, v, "true or false")
		}
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint16:
		if _, ok := v.(int64); !ok {
			return c.mismatch(key, v, "a whole number")
		}
	}
	return true
}

// mismatch complains of a value, and returns false.
func (c *checker) mismatch(key string, v any, want string) bool {
	c.errs = append(c.errs, c.file.Errorf(key, "%s is wanted, and there is %s", want, describe(v)))
	return false
}

// describe says what a value is.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %q", v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("the time %v", v)
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
