// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

func TestRecordsAreTheJSONOfEncodingJSON(t *testing.T) {
	uid := uint32(math.MaxUint32)
	for _, r := range []Record{
		{},
		{Type: Child, PID: -1},
		{Header: &Header{Version: 1, UID: math.MaxInt32, Started: math.MinInt64}},
		{Header: &Header{Argv: []string{}, Kinds: []ns.Kind{ns.PID, ns.Net}, Plugins: []find.Plugin{{Path: "/a b", Identity: find.Identity{Dev: math.MaxUint64}}}}},
		{Header: &Header{Argv: []string{"", "\x00", "\xff", "é", "a\"b\\c\n", "\u2028", "<&>", "\x7f"}}},
		{Type: Done, State: []byte{0, 1, 255}, Results: map[string]string{"b": "1", "a": "\n"}},
		{Type: Done, State: []byte{}, Results: map[string]string{}},
		{Type: Started, Joining: &Joining{}},
		{Type: Started, Joining: &Joining{
			IDMap: &ns.IDMap{}, UID: &uid, TTY: "a", NoNewPrivs: true,
			Steps: []ns.PlannedStep{{Plugin: "p", Step: ns.Step{Op: ns.OpInit, Attrs: []ns.Attr{ns.ReadOnly}, Mode: 7}}, {}},
		}},
		{Type: Intent, Plugin: "p", Request: &ns.HookRequest{}},
	} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendJSON(nil, reflect.ValueOf(&r))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded(t, want), decoded(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", got, diff)
		}
	}
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestRecordsHoldWhatAppendJSONKnows keeps off what encoding/json does beyond
// it: methods, other options of a tag, fields without one.
func TestRecordsHoldWhatAppendJSONKnows(t *testing.T) {
	seen := map[reflect.Type]bool{}
	typesOf(reflect.TypeFor[Record](), seen)
	for typ := range seen {
		if typ.Implements(reflect.TypeFor[json.Marshaler]()) || typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			t.Errorf("%v has JSON of its own", typ)
		}
	}
	if len(seen) < 20 {
		t.Errorf("saw only %v", seen)
	}
}

// typesOf adds typ and the types that its values hold to seen.
func typesOf(typ reflect.Type, seen map[reflect.Type]bool) {
	if seen[typ] {
		return
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Slice, reflect.Pointer, reflect.Map:
		typesOf(typ.Elem(), seen)
	case reflect.Struct:
		for f := range typ.Fields() {
			typesOf(f.Type, seen)
			name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			if embedded := f.Anonymous && name == ""; !embedded && (name == "" || name == "-") || option != "" && option != "omitempty" {
				panic(fmt.Sprintf("%v.%s has the tag %q", typ, f.Name, f.Tag))
			}
		}
	}
}
