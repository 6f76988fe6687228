// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// appendJSON appends the JSON of v, as encoding/json has it, for the types that
// records are made of: it looks at the fields that a value has, and so takes a
// fraction of the time of encoding/json in a process that writes a type once.
// Reading, which no plain run does, is left to encoding/json.
func appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int64, reflect.Int32:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			return appendSlice(b, v)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return appendJSON(b, v.Elem())
		}
	case reflect.Struct:
		b, err := appendFields(append(b, '{'), v)
		return append(b, '}'), err
	}
	return appendAny(b, v.Interface())
}

func appendAny(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}

func appendString(b []byte, s string) ([]byte, error) {
	if strings.ContainsFunc(s, isSpecial) {
		return appendAny(b, s)
	}
	b = append(b, '"')
	return append(append(b, s...), '"'), nil
}

// isSpecial reports whether c in a string of JSON may need an escape, RFC 8259 section 7.
func isSpecial(c rune) bool { return c < ' ' || c >= 0x7f || c == '"' || c == '\\' }

func appendSlice(b []byte, v reflect.Value) (_ []byte, err error) {
	b = append(b, '[')
	for i := range v.Len() {
		if b, err = appendJSON(separate(b), v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendFields appends the members of the object that v is; those of an
// embedded struct stand among the others.
func appendFields(b []byte, v reflect.Value) (_ []byte, err error) {
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch field := v.Field(i); {
		case name == "":
			b, err = appendFields(b, field)
		case option == "omitempty" && isEmpty(field):
		default:
			b, err = appendJSON(append(strconv.AppendQuote(separate(b), name), ':'), field)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// isEmpty reports whether omitempty leaves v out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// separate appends the comma between two members of an object or a list.
func separate(b []byte) []byte {
	if last := b[len(b)-1]; last == '{' || last == '[' {
		return b
	}
	return append(b, ',')
}
