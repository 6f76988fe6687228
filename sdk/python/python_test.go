// SPDX-License-Identifier: Apache-2.0

// Package python tests the SDK for Python: that its messages are those of the
// protocol, and that plugins made with it keep SPEC.md.
package python

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

// python is Debian's, which has Debian's packages.
const python = "/usr/bin/python3"

// run runs Python in the directory dir and returns what it prints.
func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(python, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("%v: %v\n%s%s", args, err, out, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return out
}

// needGRPC skips a test that can't run here, unless it must.
func needGRPC(t *testing.T) {
	t.Helper()
	out, err := exec.Command(python, "-c", "import grpc").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("NSRUN_TEST_MUST_WORK") == "1":
		t.Fatalf("needs python3-grpcio: %s", out)
	default:
		t.Skipf("needs python3-grpcio: %s", out)
	}
}

func TestUnits(t *testing.T) { run(t, ".", "-m", "unittest") }

// TestMessagesAreThoseOfTheProtocol compares the table in nsrun.py with plugin.proto.
func TestMessagesAreThoseOfTheProtocol(t *testing.T) {
	var have map[string]map[string]string
	text := run(t, ".", "-c", `
import json, nsrun
print(json.dumps({m: {str(n): repr(f) for n, f in fields.items()} for m, fields in nsrun.SCHEMA.items()}))`)
	if err := json.Unmarshal(text, &have); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	messages := pb.File_nsrun_plugin_v1_plugin_proto.Messages()
	for i := range messages.Len() {
		m := messages.Get(i)
		fields := map[string]string{}
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			fields[fmt.Sprint(f.Number())] = fmt.Sprintf("('%s', %s)", f.Name(), typeOf(f))
		}
		want[string(m.Name())] = fields
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
}

func typeOf(f protoreflect.FieldDescriptor) string {
	name := f.Kind().String()
	if f.Kind() == protoreflect.MessageKind {
		name = string(f.Message().Name())
	}
	switch {
	case f.IsMap():
		return "'map'"
	case f.IsList():
		return "['" + name + "']"
	}
	return "'" + name + "'"
}

// install makes a directory with the SDK and the plugin that the text of a file
// is, and returns the plugin's path.
func install(t *testing.T, name, file string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, ns.BinaryPrefix+name)
	for from, to := range map[string]string{"nsrun.py": filepath.Join(dir, "nsrun.py"), file: path} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestHelloConforms(t *testing.T) {
	needGRPC(t)
	nstest.TestBinary(t, install(t, "hello", "examples/nsrun-plugin-hello"), nstest.Case{
		Name: "a name", Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}},
	})
}

func TestHostsConforms(t *testing.T) {
	needGRPC(t)
	nstest.TestBinary(t, install(t, "hosts", "examples/nsrun-plugin-hosts"),
		nstest.Case{Name: "two names", Settings: []ns.Setting{
			{Option: "add-host", Args: []string{"db:10.0.0.5"}}, {Option: "add-host", Args: []string{"six:[fd00::1]"}}}},
		nstest.Case{Name: "no address", Refused: "--add-host db:10.0.0.5",
			Settings: []ns.Setting{{Option: "add-host", Args: []string{"db:here"}}}},
	)
}

// TestHooksConform has a plugin whose hooks do nothing but what is asked of them.
func TestHooksConform(t *testing.T) {
	needGRPC(t)
	nstest.TestBinary(t, install(t, "hooks", "testdata/hooks.py"))
}

// TestZipIsAPlugin packs SDK and plugin into one file, as the template's Makefile does.
func TestZipIsAPlugin(t *testing.T) {
	needGRPC(t)
	path := install(t, "hello", "examples/nsrun-plugin-hello")
	source := filepath.Join(filepath.Dir(path), "source")
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{path: "__main__.py", filepath.Join(filepath.Dir(path), "nsrun.py"): "nsrun.py"} {
		if err := os.Rename(from, filepath.Join(source, to)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, ".", "-m", "zipapp", "-p", python, "-o", path, source)
	nstest.TestBinary(t, path)
}
