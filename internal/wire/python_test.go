// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/nsrun/nsrun/ns"
)

// skip skips a test that can't run here, unless it must.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// findPython returns a Python that has what the plugin imports. The one in PATH
// may be another than the distribution's, which has its packages.
func findPython(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import grpc, google.protobuf").Run() == nil {
			return python
		}
	}
	skip(t, "no python3 has the packages grpc and protobuf (python3-grpcio, python3-protobuf)")
	return ""
}

// generatePython returns a directory with the messages in Python.
func generatePython(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("protoc", "-I", "../../proto", "--python_out="+dir, "nsrun/plugin/v1/plugin.proto")
	if out, err := cmd.CombinedOutput(); err != nil {
		skip(t, "protoc (protobuf-compiler) doesn't work: "+err.Error()+string(out))
	}
	return dir
}

// TestPluginWithoutTheSDK runs a plugin that was written from SPEC.md alone,
// through go-plugin's client and this package's glue.
func TestPluginWithoutTheSDK(t *testing.T) {
	script, err := filepath.Abs("testdata/hello.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(findPython(t), script)
	cmd.Env = []string{"PYTHONPATH=" + generatePython(t), "PATH=" + os.Getenv("PATH"), "PLUGIN_UNIX_SOCKET_DIR=" + t.TempDir()}
	host := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  Handshake(),
		Plugins:          PluginSet(nil),
		Cmd:              cmd,
		SkipHostEnv:      true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	defer host.Kill()
	protocol, err := host.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protocol.Dispense(SetName)
	if err != nil {
		t.Fatal(err)
	}
	converse(t, raw.(*Client))

	if err := protocol.Close(); err != nil { // calls Shutdown
		t.Error(err)
	}
	for !host.Exited() {
		time.Sleep(time.Millisecond)
	}
	if state := cmd.ProcessState; state == nil || !state.Success() {
		t.Errorf("plugin ended with %v, want success after shutdown", state)
	}
}

// converse calls every method of the plugin hello.
func converse(t *testing.T, c *Client) {
	t.Helper()
	ctx := t.Context()
	d, err := c.Describe(ctx)
	same(t, "describe error", err, nil)
	same(t, "faults", ns.CheckDescriptor(d), []ns.Diagnostic(nil))

	req := &ns.Request{Plugin: "hello", Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}}}
	offer, err := c.Negotiate(ctx, req)
	same(t, "negotiate error", err, nil)
	same(t, "faults", ns.CheckOffer(d, req, offer), []ns.Diagnostic(nil))
	same(t, "offer", offer, &ns.Offer{Env: []ns.EnvVar{{Name: "HELLO", Value: "you"}}})

	offer, err = c.Negotiate(ctx, &ns.Request{Settings: []ns.Setting{{Option: "x", Args: []string{"y"}}}})
	same(t, "negotiate error", err, nil)
	same(t, "refusal", offer.Diagnostics, []ns.Diagnostic{{Summary: "no such option", Option: "x"}})

	reply, err := c.Hook(ctx, &ns.HookRequest{Point: ns.PreExec, RunID: "run1"})
	same(t, "pre-exec error", err, nil)
	same(t, "reply", reply, &ns.HookReply{State: []byte("run1")})
	_, err = c.Hook(ctx, &ns.HookRequest{Point: ns.PostExec, State: reply.State})
	same(t, "post-exec error", err, nil)
	_, err = c.Check(ctx, ns.Facts{})
	same(t, "check error", err, nil)
}
