// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/binary"
	"errors"
	"reflect"
)

// pack appends the bytes of v, which may be of any type built of booleans,
// numbers, strings, slices, pointers and structs without unexported fields:
// numbers as varints, strings and slices behind their length, fields in order.
// No names are written, so only a program with the very same types can read it;
// in return it takes a twentieth of the time of encoding/json, most of which
// goes into finding out about types at every start.
func pack(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int64, reflect.Int32:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint8, reflect.Uintptr:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.String:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		return append(b, v.String()...)
	case reflect.Slice:
		return packSlice(b, v)
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0)
		}
		return pack(append(b, 1), v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			b = pack(b, v.Field(i))
		}
		return b
	}
	panic("BUG(nsrun): the cache can't hold a " + v.Type().String())
}

func packSlice(b []byte, v reflect.Value) []byte {
	b = binary.AppendUvarint(b, uint64(v.Len()))
	for i := range v.Len() {
		b = pack(b, v.Index(i))
	}
	return b
}

// errPacked says that bytes aren't the pack of a value of the type asked for.
var errPacked = errors.New("not a cache entry of this form")

// unpack sets v to the value whose pack is text. Strings in it share text.
func unpack(text string, v reflect.Value) error {
	u := unpacker{text: text}
	u.value(v)
	if u.torn || u.text != "" {
		return errPacked
	}
	return nil
}

// unpacker holds what is still to be read. When it is torn, all that is read is
// zero, and the value of no use.
type unpacker struct {
	text string
	torn bool
}

func (u *unpacker) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(u.octet() == 1)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(u.varint())
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint8, reflect.Uintptr:
		v.SetUint(u.uvarint())
	case reflect.String:
		v.SetString(u.take(u.uvarint()))
	case reflect.Slice:
		u.slice(v)
	case reflect.Pointer:
		if u.octet() == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			u.value(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			u.value(v.Field(i))
		}
	default:
		panic("BUG(nsrun): the cache can't hold a " + v.Type().String())
	}
}

// slice reads a slice; nil and empty come back as nil.
func (u *unpacker) slice(v reflect.Value) {
	n := u.uvarint()
	if n > uint64(len(u.text)) { // every element takes a byte or more
		u.tear()
		return
	}
	if n == 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		u.value(v.Index(i))
	}
}

func (u *unpacker) tear() { u.text, u.torn = "", true }

func (u *unpacker) take(n uint64) string {
	if n > uint64(len(u.text)) {
		u.tear()
		return ""
	}
	taken := u.text[:n]
	u.text = u.text[n:]
	return taken
}

func (u *unpacker) octet() byte {
	if s := u.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (u *unpacker) uvarint() uint64 {
	var x uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := u.octet()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	u.tear()
	return 0
}

// varint undoes the zigzag of binary.AppendVarint.
func (u *unpacker) varint() int64 {
	x := u.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}
