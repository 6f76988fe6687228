// SPDX-License-Identifier: Apache-2.0

package nstoml

import (
	"fmt"
	"reflect"
	"strings"
)

// checker compares what a file holds with the type that is to take it. The library
// would do so as well, and stop at the first value of a wrong type.
type checker struct {
	file *File
	errs []error
}

// value checks the value at key, as the library decodes it into any, against t.
func (c *checker) value(key string, v any, t reflect.Type) {
	switch t.Kind() {
	case reflect.Interface:
	case reflect.Pointer:
		c.value(key, v, t.Elem())
	case reflect.Struct:
		c.table(key, v, func(name string) reflect.Type { return c.field(key, name, t) })
	case reflect.Map:
		c.table(key, v, func(string) reflect.Type { return t.Elem() })
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			c.mismatch(key, v, "a list in brackets")
		}
		for i, entry := range list {
			c.value(fmt.Sprintf("%s.%d", key, i), entry, t.Elem())
		}
	default:
		c.scalar(key, v, t)
	}
}

// table checks a table; typeOf returns the type of each of its keys, or nil for one
// that it has complained about.
func (c *checker) table(key string, v any, typeOf func(string) reflect.Type) {
	table, ok := v.(map[string]any)
	if !ok {
		c.mismatch(key, v, "a table")
		return
	}
	for _, name := range Keys(c.file, key, table) {
		if t := typeOf(name); t != nil {
			c.value(join(key, name), table[name], t)
		}
	}
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

func (c *checker) scalar(key string, v any, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		if _, ok := v.(string); !ok {
			c.mismatch(key, v, "a string in quotes")
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			c.mismatch(key, v, "true or false")
		}
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint16:
		if _, ok := v.(int64); !ok {
			c.mismatch(key, v, "a whole number")
		}
	}
}

func (c *checker) mismatch(key string, v any, want string) {
	c.errs = append(c.errs, c.file.Errorf(key, "%s is wanted, and there is %s", want, describe(v)))
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
