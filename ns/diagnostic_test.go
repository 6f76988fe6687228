// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"testing"
)

func TestDiagnose(t *testing.T) {
	d := &Diagnostic{Summary: "open /x: no such file or directory", Hint: "make it", Errno: syscall.ENOENT}
	for name, test := range map[string]struct {
		err  error
		want []Diagnostic
	}{
		"nothing":               {nil, nil},
		"no diagnostic":         {(*Diagnostic)(nil), nil},
		"a diagnostic":          {d, []Diagnostic{*d}},
		"a plain error":         {errors.New("plain"), []Diagnostic{{Summary: "plain"}}},
		"an error number":       {fmt.Errorf("open: %w", syscall.EPERM), []Diagnostic{{Summary: "open: operation not permitted", Errno: syscall.EPERM}}},
		"a wrapped diagnostic":  {fmt.Errorf("set up: %w", d), []Diagnostic{{Summary: "set up: " + d.Summary, Hint: "make it", Errno: syscall.ENOENT}}},
		"joined errors":         {errors.Join(d, errors.Join(errors.New("b"), errors.New("c"))), []Diagnostic{*d, {Summary: "b"}, {Summary: "c"}}},
		"an error with two %w":  {fmt.Errorf("both: %w, %w", d, errors.New("b")), []Diagnostic{{Summary: "both: " + d.Summary + ", b", Hint: "make it", Errno: syscall.ENOENT}}},
		"a wrapped join":        {fmt.Errorf("all: %w", errors.Join(errors.New("b"), errors.New("c"))), []Diagnostic{{Summary: "all: b\nc"}}},
		"a warning as an error": {&Diagnostic{Severity: Warning, Summary: "w"}, []Diagnostic{{Summary: "w"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Diagnose(test.err); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestHasErrors(t *testing.T) {
	if HasErrors([]Diagnostic{{Severity: Warning}, {Severity: Notice}}) {
		t.Error("warnings and notices are no errors")
	}
	if !HasErrors([]Diagnostic{{Severity: Warning}, {}}) {
		t.Error("the zero severity is an error")
	}
}

func TestErrorsAreWhatDiagnoseReverses(t *testing.T) {
	ds := []Diagnostic{{Summary: "a", Hint: "b"}, {Severity: Warning, Summary: "w"}, {Summary: "c"}}
	if got, want := Diagnose(Errors(ds)), []Diagnostic{ds[0], ds[2]}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := Errors(ds[1:2]); err != nil {
		t.Errorf("a warning alone gives %v", err)
	}
}
