// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// What nsrun keeps must come back whole, whatever fields it will have.
func TestEveryFieldComesBack(t *testing.T) {
	for _, v := range []any{new([]*ns.Descriptor), new([]*ns.Offer), new([]*ns.Request), new(entry)} {
		want := reflect.ValueOf(v).Elem()
		n := 0
		fill(t, want, &n)
		got := reflect.New(want.Type())
		if err := unpack(string(pack(nil, want)), got.Elem()); err != nil {
			t.Errorf("%T: %v", v, err)
		}
		if !reflect.DeepEqual(got.Interface(), v) {
			t.Errorf("%T:\n got %+v\nwant %+v", v, got.Elem(), want)
		}
	}
}

// fill sets everything in v to something other than zero, and all of it different.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1<<31 + *n))
	case reflect.Uint8:
		v.SetUint(uint64(*n % 255))
	case reflect.Uintptr:
		v.SetUint(uint64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("pack can't hold a %v", v.Type())
	}
}

func TestTornBytesAreRefused(t *testing.T) {
	want := []*ns.Option{{Name: "bind", Args: []string{"SRC", "DST"}, Repeated: true}, nil}
	whole := string(pack(nil, reflect.ValueOf(want)))
	for n := range len(whole) {
		var got []*ns.Option
		if err := unpack(whole[:n], reflect.ValueOf(&got).Elem()); err == nil {
			t.Errorf("took the first %d of %d bytes", n, len(whole))
		}
	}
	var got []*ns.Option
	if err := unpack(whole+"x", reflect.ValueOf(&got).Elem()); err == nil {
		t.Error("took a byte too many")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(string(pack(nil, reflect.ValueOf([]*ns.Offer{{Kinds: []ns.Kind{ns.PID}}}))))
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, text string) {
		var got []*ns.Offer
		if unpack(text, reflect.ValueOf(&got).Elem()) != nil {
			return
		}
		var again []*ns.Offer
		if err := unpack(string(pack(nil, reflect.ValueOf(got))), reflect.ValueOf(&again).Elem()); err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%q: %+v, then %+v, %v", text, got, again, err)
		}
	})
}
