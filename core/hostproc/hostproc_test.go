// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// fake is a host whose Describe is f. Its other calls hand back what they get.
type fake struct {
	f func(ctx context.Context, p find.Plugin) (*ns.Descriptor, error)
}

func (h fake) Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error) {
	return h.f(ctx, p)
}

func (fake) Negotiate(_ context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{Kinds: req.Kinds, Claims: []string{p.Name, req.Plugin}}, nil
}

func (fake) Hook(_ context.Context, _ find.Plugin, req *ns.HookRequest) (*ns.HookReply, error) {
	return &ns.HookReply{State: req.State, Results: map[string]string{"point": string(req.Point)}}, nil
}

func (fake) Check(_ context.Context, _ find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error) {
	return []ns.Diagnostic{{Severity: ns.Warning, Summary: facts.Kernel}}, nil
}

func (fake) Digest(_ context.Context, p find.Plugin) (string, error) { return "of " + p.Path, nil }
func (fake) Review(_ context.Context, _ find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	return &ns.ReviewReply{Freshness: &ns.Freshness{Files: req.Command}}, nil
}

func (fake) Config(_ context.Context, sources []config.Source) ([]config.File, error) {
	files := []config.File{{Source: sources[0], Options: []config.Option{{Scope: "net", Values: [][]string{{"a"}}}}}}
	if !sources[0].System {
		return files, &ns.Diagnostic{Summary: "read it: half of it"}
	}
	return files, nil
}

// serve returns a client of h, and what Serve returns.
func serve(t *testing.T, h Host) (*Client, <-chan error) {
	t.Helper()
	ours, theirs, err := socketpair()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- Serve(theirs, h)
		theirs.Close()
	}()
	c := NewClient(ours)
	t.Cleanup(func() { c.Close() })
	return c, served
}

var plugin = find.Plugin{Name: "net", Path: "/opt/nsrun-plugin-net", Identity: find.Identity{Dev: 1, Ino: 2, CTime: 1 << 62}}

func TestCallsTravel(t *testing.T) {
	c, _ := serve(t, fake{func(_ context.Context, p find.Plugin) (*ns.Descriptor, error) {
		if p != plugin {
			t.Errorf("plugin arrives as %+v, want %+v", p, plugin)
		}
		return &ns.Descriptor{Name: p.Name, Kinds: []ns.Kind{ns.Net}}, nil
	}})
	ctx := context.Background()
	d, err := c.Describe(ctx, plugin)
	want(t, err, d, &ns.Descriptor{Name: "net", Kinds: []ns.Kind{ns.Net}})
	o, err := c.Negotiate(ctx, plugin, &ns.Request{Plugin: "net", Kinds: []ns.Kind{ns.Net}})
	want(t, err, o, &ns.Offer{Kinds: []ns.Kind{ns.Net}, Claims: []string{"net", "net"}})
	r, err := c.Hook(ctx, plugin, &ns.HookRequest{Point: ns.PreExec, State: []byte{0, 0xff}})
	want(t, err, r, &ns.HookReply{State: []byte{0, 0xff}, Results: map[string]string{"point": "pre-exec"}})
	ds, err := c.Check(ctx, plugin, ns.Facts{Kernel: "6.18"})
	want(t, err, ds, []ns.Diagnostic{{Severity: ns.Warning, Summary: "6.18"}})
	reply, err := c.Review(ctx, plugin, &ns.ReviewRequest{Command: []string{"a", "b"}})
	want(t, err, reply, &ns.ReviewReply{Freshness: &ns.Freshness{Files: []string{"a", "b"}}})
	source := config.Source{Path: "/c", System: true, Identity: plugin.Identity}
	files, err := c.Config(ctx, []config.Source{source})
	want(t, err, files, []config.File{{Source: source, Options: []config.Option{{Scope: "net", Values: [][]string{{"a"}}}}}})
	source.System = false
	files, err = c.Config(ctx, []config.Source{source})
	if err == nil || err.Error() != "read it: half of it" || len(files) != 1 || len(files[0].Options) != 1 {
		t.Errorf("of a file that is half right: %+v, %v", files, err)
	}
}

func want[T any](t *testing.T, err error, got, want T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLargeMessagesTravel(t *testing.T) {
	c, _ := serve(t, fake{})
	state := strings.Repeat("\x01", 3<<20)
	r, err := c.Negotiate(context.Background(), find.Plugin{Name: state}, &ns.Request{})
	if err != nil || r.Claims[0] != state {
		t.Errorf("3 MiB of what JSON escapes: %v", err)
	}
}

func TestErrorsTravelWhole(t *testing.T) {
	sent := &ns.Diagnostic{Plugin: "net", Summary: "s", Detail: "d", Hint: "h", Option: "o", Errno: 13}
	c, _ := serve(t, fake{func(context.Context, find.Plugin) (*ns.Descriptor, error) { return nil, sent }})
	_, err := c.Describe(context.Background(), plugin)
	got, ok := errors.AsType[*ns.Diagnostic](err)
	if !ok || !cmp.Equal(got, sent) {
		t.Errorf("error arrives as %+v, want %+v", got, sent)
	}
}

// TestCallsRunSideBySide has calls that wait for each other.
func TestCallsRunSideBySide(t *testing.T) {
	var all sync.WaitGroup
	all.Add(6)
	c, _ := serve(t, fake{func(_ context.Context, p find.Plugin) (*ns.Descriptor, error) {
		all.Done()
		all.Wait()
		return &ns.Descriptor{Name: p.Name}, nil
	}})
	var calls sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		calls.Go(func() {
			d, err := c.Describe(context.Background(), find.Plugin{Name: name})
			if err != nil || d.Name != name {
				t.Errorf("call of %s is answered with %v, %v", name, d, err)
			}
		})
	}
	calls.Wait()
}

func TestCancelReachesTheHost(t *testing.T) {
	begun := make(chan bool)
	c, _ := serve(t, fake{func(ctx context.Context, _ find.Plugin) (*ns.Descriptor, error) {
		close(begun)
		<-ctx.Done()
		return nil, &ns.Diagnostic{Summary: "given up"}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-begun; cancel() }()
	if _, err := c.Describe(ctx, plugin); err == nil || err.Error() != "given up" {
		t.Errorf("error is %v, want the host's", err)
	}
}

func TestCancelWorksWithoutTheHost(t *testing.T) {
	c, _ := serve(t, fake{func(context.Context, find.Plugin) (*ns.Descriptor, error) { select {} }})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	begin := time.Now()
	_, err := c.Describe(ctx, plugin)
	if err == nil || !strings.Contains(err.Error(), "doesn't give up") || time.Since(begin) > 2*patience {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

func TestCloseEndsServeAndItsCalls(t *testing.T) {
	begun, ended := make(chan bool), make(chan bool)
	c, served := serve(t, fake{func(ctx context.Context, _ find.Plugin) (*ns.Descriptor, error) {
		close(begun)
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond) // as a plugin that has to be killed
		close(ended)
		return nil, ctx.Err()
	}})
	failed := make(chan error)
	go func() {
		_, err := c.Describe(context.Background(), plugin)
		failed <- err
	}()
	<-begun
	c.Close()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "the plugin host is gone") {
		t.Errorf("call under way: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	select {
	case <-ended:
	default:
		t.Error("Serve has returned before the call")
	}
}

func TestDeadHostFailsEveryCall(t *testing.T) {
	ours, theirs, err := socketpair()
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(ours)
	var calls sync.WaitGroup
	check := func() {
		_, err := c.Describe(context.Background(), plugin)
		d, ok := errors.AsType[*ns.Diagnostic](err)
		if !ok || !strings.Contains(d.Detail, "killed or crashed") || d.Hint == "" {
			t.Errorf("error is %v", err)
		}
	}
	for range 3 {
		calls.Go(check)
	}
	_, _ = io.ReadFull(theirs, make([]byte, 4)) // one call at least is under way
	theirs.Close()
	calls.Wait()
	check()
}

func TestServeRefusesJunk(t *testing.T) {
	for name, junk := range map[string]string{
		"a frame too large": "\xff\xff\xff\xff",
		"no JSON":           "\x03\x00\x00\x00abc",
		"half a frame":      "\x03\x00\x00\x00a",
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs, err := socketpair()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(ours, junk); err != nil {
				t.Fatal(err)
			}
			ours.Close()
			if err := Serve(theirs, fake{}); err == nil {
				t.Error("Serve has no error")
			}
			theirs.Close()
		})
	}
}

func TestUnknownMethodIsRefused(t *testing.T) {
	c, _ := serve(t, fake{})
	a, err := c.exchange(context.Background(), call{Method: "format"})
	if err != nil || len(a.Errors) != 1 || !strings.Contains(a.Errors[0].Summary, `no method "format"`) {
		t.Errorf("answer is %+v, %v", a, err)
	}
}

func TestMissingHostIsReported(t *testing.T) {
	// The test binary has no nsrun-host beside it.
	l := &Lazy{Dir: t.TempDir()}
	_, err := l.Describe(context.Background(), plugin)
	if d, ok := errors.AsType[*ns.Diagnostic](err); !ok || !strings.Contains(d.Summary, "find the plugin host") || d.Hint == "" {
		t.Errorf("error is %v", err)
	}
	if _, err := start("/dev/null", Options{Dir: os.TempDir()}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("start /dev/null: %v", err)
	}
}
