// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// TestScriptIsAPlugin runs the plugin in Python as a script, by descriptor like
// any other. What it imports lies beside it, where Python looks by the path of
// the script.
func TestScriptIsAPlugin(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		cannotRun(t, "no grpc for "+python+": "+string(out))
	}
	dir, err := os.MkdirTemp(bin, "python-")
	if err != nil {
		t.Fatal(err)
	}
	protoc := exec.Command("protoc", "-I", "../../proto", "--python_out="+dir, "nsrun/plugin/v1/plugin.proto")
	if out, err := protoc.CombinedOutput(); err != nil {
		cannotRun(t, "protoc doesn't work: "+string(out))
	}
	script, err := os.ReadFile("../../internal/wire/testdata/hello.py")
	if err != nil {
		t.Fatal(err)
	}
	script = bytes.Replace(script, []byte("/usr/bin/env python3"), []byte(python), 1)
	path := filepath.Join(dir, ns.BinaryPrefix+"hello")
	if err := os.WriteFile(path, script, 0o755); err != nil {
		t.Fatal(err)
	}
	h, p := newHost(t, func(c *Config) { c.Deadlines = patient }), found(t, path)
	d, err := h.Describe(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	offer, err := negotiate(h, p)
	if err != nil || d.Name != "hello" || len(offer.Env) != 1 {
		t.Errorf("descriptor %+v, offer %+v, %v", d, offer, err)
	}
}

// cannotRun skips the test, or fails it where every test must work.
func cannotRun(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
