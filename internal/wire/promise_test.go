// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
)

// promisePath has a line for all that a peer built earlier counts on: it may be
// added to, and nothing in it may change or go (SPEC.md, section 13).
const promisePath = "../../proto/nsrun/plugin/v1/promise.txt"

// TestProtocolKeepsItsPromise is what buf breaking checks, for the one file that
// there is. With NSRUN_TEST_UPDATE, what is new becomes a promise.
func TestProtocolKeepsItsPromise(t *testing.T) {
	text, err := os.ReadFile(promisePath)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	now := elements(pb.File_nsrun_plugin_v1_plugin_proto)
	promised := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range broken(promised, now) {
		t.Errorf("a peer built earlier counts on this: %s", line)
	}
	added := broken(now, promised)
	if len(added) > 0 && os.Getenv("NSRUN_TEST_UPDATE") == "" {
		t.Errorf("not promised yet: %q; NSRUN_TEST_UPDATE=1 go test ./internal/wire -run Promise", added)
	}
	if len(added) > 0 && !t.Failed() {
		if err := os.WriteFile(promisePath, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A guard that takes everything is none.
func TestABrokenPromiseIsSeen(t *testing.T) {
	promised := []string{"message Offer: 1 repeated string kinds", "rpc Plugin.Check(CheckRequest) CheckResponse"}
	for name, now := range map[string][]string{
		"the number changed": {"message Offer: 2 repeated string kinds", promised[1]},
		"the type changed":   {"message Offer: 1 repeated bytes kinds", promised[1]},
		"the field is gone":  {promised[1]},
		"the method is gone": {promised[0]},
	} {
		if got := broken(promised, now); len(got) != 1 {
			t.Errorf("%s: told %q, want one line", name, got)
		}
	}
	if got := broken(promised, append([]string{"message Offer: 3 optional bool more"}, promised...)); len(got) > 0 {
		t.Errorf("an addition breaks %q", got)
	}
}

// broken returns the lines of promised that now lacks.
func broken(promised, now []string) []string {
	return slices.DeleteFunc(slices.Clone(promised), func(line string) bool { return line == "" || slices.Contains(now, line) })
}

// elements describes a file's messages, enumerations and methods, sorted.
func elements(file protoreflect.FileDescriptor) []string {
	var lines []string
	for i := range file.Messages().Len() {
		lines = append(lines, fields(file.Messages().Get(i))...)
	}
	for i := range file.Enums().Len() {
		lines = append(lines, values(file.Enums().Get(i))...)
	}
	for i := range file.Services().Len() {
		lines = append(lines, methods(file.Services().Get(i))...)
	}
	slices.Sort(lines)
	return lines
}

func fields(m protoreflect.MessageDescriptor) []string {
	var lines []string
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		lines = append(lines, fmt.Sprintf("message %s: %d %s %s %s", m.Name(), f.Number(), f.Cardinality(), typeOf(f), f.Name()))
	}
	for i := range m.Messages().Len() {
		lines = append(lines, fields(m.Messages().Get(i))...)
	}
	return lines
}

// typeOf returns a field's type, by name where it has one of its own.
func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("map<%s, %s>", typeOf(f.MapKey()), typeOf(f.MapValue()))
	case f.Message() != nil:
		return string(f.Message().Name())
	case f.Enum() != nil:
		return string(f.Enum().Name())
	}
	return f.Kind().String()
}

func values(e protoreflect.EnumDescriptor) []string {
	var lines []string
	for i := range e.Values().Len() {
		lines = append(lines, fmt.Sprintf("enum %s: %d %s", e.Name(), e.Values().Get(i).Number(), e.Values().Get(i).Name()))
	}
	return lines
}

func methods(s protoreflect.ServiceDescriptor) []string {
	var lines []string
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		lines = append(lines, fmt.Sprintf("rpc %s.%s(%s) %s", s.FullName(), m.Name(), m.Input().Name(), m.Output().Name()))
	}
	return lines
}
