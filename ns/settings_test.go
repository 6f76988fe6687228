// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"reflect"
	"strings"
	"testing"
)

func settingsDescriptor() *Descriptor {
	return &Descriptor{Name: "good", Options: []Option{
		{Name: "name", Type: String},
		{Name: "init", Type: Bool, Default: "true"},
		{Name: "count", Type: Int},
		{Name: "wait", Type: Duration},
		{Name: "mode", Type: String, Enum: []string{"fast", "safe"}},
		{Name: "bind", Type: Path, Args: []string{"SRC", "DST"}, Repeated: true},
		{Name: "key", Type: Int, Sensitive: true},
		{Name: "old", Type: String, Deprecated: "--new"},
	}}
}

func TestCheckSettings(t *testing.T) {
	for _, test := range []struct {
		option string
		args   []string
		want   string
		hint   string
	}{
		{"name", []string{""}, "", ""},
		{"name", []string{"a\nb"}, "", ""},
		{"name", nil, "read --name: got 0 of 1 arguments", "--name STRING"},
		{"name", []string{"\xff"}, `"\xff" is not UTF-8 text`, ""},
		{"name", []string{"a\x00"}, `"a\x00" is not UTF-8 text`, ""},
		{"name", []string{strings.Repeat("x", MaxString+1)}, "longer than 65536 bytes", ""},
		{"init", []string{"false"}, "", ""},
		{"init", []string{"no"}, `read --init: "no" is not true or false`, "--init=false"},
		{"count", []string{"-3"}, "", ""},
		{"count", []string{"0x10"}, `"0x10" is not a whole number`, "--count INT"},
		{"count", []string{"99999999999999999999"}, "is not a whole number", ""},
		{"wait", []string{"1h30m"}, "", ""},
		{"wait", []string{"5"}, `"5" is not a duration such as 300ms`, "--wait DURATION"},
		{"mode", []string{"safe"}, "", ""},
		{"mode", []string{"Safe"}, `"Safe" is not one of fast, safe`, "--mode fast|safe"},
		{"bind", []string{"/a", "/b"}, "", ""},
		{"bind", []string{"/a"}, "got 1 of 2 arguments", "--bind SRC DST"},
		{"bind", []string{"/a", "b"}, `"b" is not a path`, ""},
		{"key", []string{"secret"}, "the value is not a whole number", ""},
		{"nmae", []string{"x"}, "read --nmae: plugin good has no such option", ""},
		{"old", []string{"x"}, "read --old: option is deprecated", "--new"},
	} {
		t.Run(test.option+" "+strings.Join(test.args, " ")[:min(20, len(strings.Join(test.args, " ")))], func(t *testing.T) {
			ds := CheckSettings(settingsDescriptor(), []Setting{{test.option, test.args}})
			expect(t, ds, test.want)
			if test.want != "" && test.hint != "" && ds[0].Hint != test.hint {
				t.Errorf("hint is %q, want %q", ds[0].Hint, test.hint)
			}
			if test.want != "" && ds[0].Option != test.option {
				t.Errorf("option is %q, want %q", ds[0].Option, test.option)
			}
		})
	}
}

func TestSensitiveValuesAreNotRepeated(t *testing.T) {
	for _, d := range CheckSettings(settingsDescriptor(), []Setting{{"key", []string{"hunter2"}}}) {
		if strings.Contains(d.Summary+d.Detail+d.Hint, "hunter2") {
			t.Errorf("the value is in %+v", d)
		}
	}
}

func TestDeprecationDoesNotRefuse(t *testing.T) {
	if ds := CheckSettings(settingsDescriptor(), []Setting{{"old", []string{"x"}}}); HasErrors(ds) {
		t.Errorf("refused: %v", ds)
	}
}

func TestHowOftenAnOptionIsGiven(t *testing.T) {
	d := &Descriptor{Options: []Option{
		{Name: "once", Type: String}, {Name: "must", Type: String, Required: true}, {Name: "many", Type: String, Repeated: true},
	}}
	x := []string{"x"}
	expect(t, CheckSettings(d, []Setting{{"must", x}, {"many", x}, {"many", x}, {"once", x}}), "")
	expect(t, CheckSettings(d, nil), "read --must: option is required")
	expect(t, CheckSettings(d, []Setting{{"must", x}, {"once", x}, {"once", x}}), "read --once: given 2 times")
}

func TestAllThatIsWrongIsReported(t *testing.T) {
	ds := CheckSettings(settingsDescriptor(), []Setting{{"init", []string{"no"}}, {"nmae", nil}, {"count", []string{"x"}}})
	if len(ds) != 3 {
		t.Errorf("got %d diagnostics, want 3: %v", len(ds), ds)
	}
}

func TestResolveSettings(t *testing.T) {
	given := []Setting{
		{"bind", []string{"../a", "/b/../c"}}, {"name", []string{"../a"}}, {"bind", []string{"", "."}}, {"nmae", []string{"x"}},
	}
	want := []Setting{
		{"bind", []string{"/home/a", "/c"}}, {"name", []string{"../a"}}, {"bind", []string{"", "/home/me"}}, {"nmae", []string{"x"}},
	}
	if got := ResolveSettings(settingsDescriptor(), given, "/home/me"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if given[0].Args[0] != "../a" {
		t.Error("the given settings were changed")
	}
}
