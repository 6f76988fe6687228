// SPDX-License-Identifier: Apache-2.0

package host

import (
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
	if out, err := exec.Command("/usr/bin/python3", "-c", "import grpc").CombinedOutput(); err != nil {
		cannotRun(t, "no python3-grpcio: "+string(out))
	}
	dir, err := os.MkdirTemp(bin, "python-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ns.BinaryPrefix+"hello")
	for from, to := range map[string]string{
		"../../sdk/python/examples/nsrun-plugin-hello": path,
		"../../sdk/python/nsrun.py":                    filepath.Join(dir, "nsrun.py"),
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o755); err != nil {
			t.Fatal(err)
		}
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
