// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestMatches(t *testing.T) {
	tests := []struct {
		want, got string
		match     bool
	}{
		{"a\n", "a\n", true},
		{"a\n", "b\n", false},
		{"a\n", "a\nb\n", false},
		{"a ... c\n", "a anything at all c\n", true},
		{"a ... c\n", "a x\nc\n", false},
		{"a  b\n", "a b   \n", true},
		{"a.c\n", "abc\n", false},
		{"", "", true},
		{"", "x\n", false},
	}
	for _, test := range tests {
		if got := matches(test.want, test.got); got != test.match {
			t.Errorf("%q against %q: %v, want %v", test.want, test.got, got, test.match)
		}
	}
}

func TestParseTakesOnlyConsoleBlocks(t *testing.T) {
	parts := parse("x\n```console\n$ a b\nout\n$ c\n```\n```go\n$ no\n```\n")
	var commands []Part
	for _, p := range parts {
		if p.Command != "" {
			commands = append(commands, p)
		}
	}
	if len(commands) != 2 || commands[0] != (Part{Command: "a b", Want: "out\n"}) || commands[1] != (Part{Command: "c"}) {
		t.Errorf("got %+v", commands)
	}
}
