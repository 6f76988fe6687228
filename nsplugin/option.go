// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// field is a field of a plugin's struct that holds an option.
type field struct {
	option ns.Option
	index  []int // as reflect.Value.FieldByIndex takes it
}

// fieldsOf returns the option fields of the struct type t, in order, those of
// embedded structs included.
func fieldsOf(t reflect.Type) ([]field, error) {
	var fields []field
	for _, sf := range reflect.VisibleFields(t) {
		if _, ok := sf.Tag.Lookup("option"); !ok {
			continue
		}
		option, err := optionOf(sf)
		if err != nil {
			return nil, fmt.Errorf("read struct tag of %s.%s: %w", t.Name(), sf.Name, err)
		}
		fields = append(fields, field{option: option, index: sf.Index})
	}
	return fields, nil
}

// optionOf reads an option from a field's type and tag, see [Plugin].
func optionOf(sf reflect.StructField) (ns.Option, error) {
	name, words, _ := strings.Cut(sf.Tag.Get("option"), ",")
	o := ns.Option{
		Name:       name,
		Short:      sf.Tag.Get("short"),
		Help:       sf.Tag.Get("help"),
		Default:    sf.Tag.Get("default"),
		Args:       list(sf.Tag.Get("args")),
		Enum:       list(sf.Tag.Get("enum")),
		Deprecated: sf.Tag.Get("deprecated"),
		Env:        sf.Tag.Get("env"),
	}
	if !sf.IsExported() {
		return o, fmt.Errorf("field is not exported")
	}
	if err := setWords(&o, list(words)); err != nil {
		return o, err
	}
	return o, setType(&o, sf)
}

// list splits a comma-separated tag.
func list(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

// setWords sets what follows the name in the option tag.
func setWords(o *ns.Option, words []string) error {
	for _, word := range words {
		switch word {
		case "required":
			o.Required = true
		case "sensitive":
			o.Sensitive = true
		default:
			return fmt.Errorf("unknown word %q after the option's name", word)
		}
	}
	return nil
}

// setType sets the option's type, and whether it can be repeated, from the
// field's type. The tag "type" overrides that of a string.
func setType(o *ns.Option, sf reflect.StructField) error {
	switch reflect.Zero(sf.Type).Interface().(type) {
	case string:
		o.Type = ns.String
	case bool:
		o.Type = ns.Bool
	case int:
		o.Type = ns.Int
	case time.Duration:
		o.Type = ns.Duration
	case []string, [][]string:
		o.Type, o.Repeated = ns.String, true
	default:
		return fmt.Errorf("type %s can't hold an option", sf.Type)
	}
	if multiple := len(o.Args) > 1; multiple != (sf.Type == reflect.TypeFor[[][]string]()) {
		return fmt.Errorf("type %s can't hold %d arguments", sf.Type, max(1, len(o.Args)))
	}
	if o.Repeated && o.Default != "" {
		return fmt.Errorf("a repeated option has no default")
	}
	if tag := sf.Tag.Get("type"); tag != "" {
		if o.Type != ns.String {
			return fmt.Errorf("tag type is for strings only")
		}
		o.Type = ns.OptionType(tag)
	}
	return nil
}

// fill sets the option fields of the struct v from defaults and settings, which
// must be good for the fields' options.
func fill(v reflect.Value, fields []field, settings []ns.Setting) {
	for _, f := range fields {
		target := v.FieldByIndex(f.index)
		if f.option.Default != "" {
			store(target, []string{f.option.Default})
		}
		if f.option.Repeated {
			target.SetZero() // or the copies of a plugin would share one array
		}
	}
	for _, s := range settings {
		i := slices.IndexFunc(fields, func(f field) bool { return f.option.Name == s.Option })
		store(v.FieldByIndex(fields[i].index), s.Args)
	}
}

// store puts an option's arguments into its field.
func store(target reflect.Value, args []string) {
	switch p := target.Addr().Interface().(type) {
	case *string:
		*p = args[0]
	case *bool:
		*p = args[0] == "true"
	case *int:
		*p, _ = strconv.Atoi(args[0])
	case *time.Duration:
		*p, _ = time.ParseDuration(args[0])
	case *[]string:
		*p = append(*p, args[0])
	case *[][]string:
		*p = append(*p, args)
	}
}
