// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// served is a plugin in this process, as one under a debugger is in its own.
type served struct{}

func (served) Describe(context.Context) (*ns.Descriptor, error) {
	return &ns.Descriptor{Name: "bad-good", Version: "2", Summary: "runs already"}, nil
}

func (served) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{Claims: []string{"attached"}}, nil
}

func (served) Hook(context.Context, *ns.HookRequest) (*ns.HookReply, error) { return nil, nil }

func (served) Review(context.Context, *ns.ReviewRequest) (*ns.ReviewReply, error) { return nil, nil }
func (served) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error)           { return nil, nil }

// attachedTo serves in this process and returns a host that is told the pid.
func attachedTo(t *testing.T, pid int) (*Host, find.Plugin, *grpc.Server) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "plugin")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	wire.Register(g, served{})
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	h := newHost(t, func(c *Config) { c.Reattach = map[string]Reattach{"bad-good": {PID: pid, Socket: socket}} })
	return h, bad(t, "good"), g
}

func TestRunningPluginIsUsed(t *testing.T) {
	h, p, g := attachedTo(t, os.Getpid())
	offer, err := negotiate(h, p)
	if err != nil || len(offer.Claims) != 1 || offer.Claims[0] != "attached" {
		t.Fatalf("got %+v, %v", offer, err)
	}
	g.Stop()
	_, err = negotiate(h, p)
	d, ok := errors.AsType[*ns.Diagnostic](err)
	if !ok || !strings.Contains(d.Hint, "nsrun-plugin-bad-good debug") {
		t.Errorf("when it is gone: %v", err)
	}
}

func TestRunningPluginOfAnotherProcessIsRefused(t *testing.T) {
	h, p, _ := attachedTo(t, os.Getppid())
	if _, err := negotiate(h, p); err == nil || !strings.Contains(err.Error(), "listens there, not the plugin") {
		t.Errorf("got %v", err)
	}
}

func TestReattachIsReadStrictly(t *testing.T) {
	all, err := ParseReattach("a=1:/x,b=22:/y:z")
	if err != nil || all["a"] != (Reattach{1, "/x"}) || all["b"] != (Reattach{22, "/y:z"}) {
		t.Errorf("got %v, %v", all, err)
	}
	for _, value := range []string{"a", "a=1", "a=1:x", "a=-1:/x", "a=x:/x", "A=1:/x", "=1:/x", "a=1:/x,"} {
		if _, err := ParseReattach(value); err == nil || !strings.Contains(err.Error(), "NAME=PID:SOCKET") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
