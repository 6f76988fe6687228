// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/nsrun/nsrun/ns"
)

// fake is a server that records what it was asked and gives set answers.
type fake struct {
	request    *ns.Request
	hook       *ns.HookRequest
	facts      ns.Facts
	descriptor *ns.Descriptor
	offer      *ns.Offer
	reply      *ns.HookReply
	diags      []ns.Diagnostic
	review     *ns.ReviewRequest
	verdict    *ns.ReviewReply
	err        error
}

func (f *fake) Describe(context.Context) (*ns.Descriptor, error) { return f.descriptor, f.err }

func (f *fake) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	f.request = req
	return f.offer, f.err
}

func (f *fake) Hook(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	f.hook = req
	return f.reply, f.err
}

func (f *fake) Check(_ context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	f.facts = facts
	return f.diags, f.err
}

func (f *fake) Review(_ context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	f.review = req
	return f.verdict, f.err
}

// connect returns a client of s, through a real server on a unix socket.
func connect(t *testing.T, s Server, opts ...grpc.ServerOption) *Client {
	t.Helper()
	return dial(t, serve(t, s, opts...), false)
}

// serve serves s on a unix socket and returns its path.
func serve(t *testing.T, s Server, opts ...grpc.ServerOption) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(opts...)
	Register(g, s)
	go g.Serve(listener)
	t.Cleanup(g.Stop)
	return path
}

func dial(t *testing.T, path string, grease bool) *Client {
	t.Helper()
	c, closer, err := Dial(path, grease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closer.Close() })
	return c
}

// filled returns a T in which no field has its zero value, so that a field that
// the conversion forgets is noticed, also one that is added later.
func filled[T any]() T {
	var v T
	fillValue(reflect.ValueOf(&v).Elem(), "v")
	return v
}

func fillValue(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(len(name)))
	case reflect.Uint32, reflect.Uint64, reflect.Uintptr, reflect.Uint8:
		v.SetUint(uint64(len(name)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillValue(v.Index(0), name+"0")
		fillValue(v.Index(1), name+"1")
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillValue(key, name+".key")
		fillValue(value, name+".value")
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	default:
		panic("fill " + name + ": " + v.Kind().String())
	}
}

// withoutPlugin clears the one field that doesn't travel: nsrun fills it in.
func withoutPlugin(ds []ns.Diagnostic) []ns.Diagnostic {
	for i := range ds {
		ds[i].Plugin = ""
	}
	return ds
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// hookAt returns a request with all that travels at any point but Update.
func hookAt(point ns.Point) ns.HookRequest {
	req := filled[ns.HookRequest]()
	req.Point, req.Add, req.Remove = point, nil, nil
	return req
}

func TestEveryFieldTravels(t *testing.T) {
	descriptor, offer, reply := filled[ns.Descriptor](), filled[ns.Offer](), filled[ns.HookReply]()
	withoutPlugin(offer.Diagnostics)
	withoutPlugin(reply.Diagnostics)
	f := &fake{descriptor: &descriptor, offer: &offer, reply: &reply, diags: withoutPlugin(filled[[]ns.Diagnostic]())}
	c, ctx := connect(t, f), t.Context()

	gotDescriptor, err := c.Describe(ctx)
	same(t, "describe error", err, nil)
	same(t, "descriptor", gotDescriptor, &descriptor)

	request := filled[ns.Request]()
	gotOffer, err := c.Negotiate(ctx, &request)
	same(t, "negotiate error", err, nil)
	same(t, "offer", gotOffer, &offer)
	same(t, "request", f.request, &request)

	update := filled[ns.HookRequest]()
	update.Point = ns.Update
	gotReply, err := c.Hook(ctx, &update)
	same(t, "update error", err, nil)
	same(t, "update reply", gotReply, &ns.HookReply{
		Diagnostics: reply.Diagnostics, Settings: reply.Settings, Results: reply.Results, State: reply.State})
	same(t, "update request", f.hook, &update)

	reply.Settings = nil
	pre := hookAt(ns.PreExec)
	pre.State = nil
	gotReply, err = c.Hook(ctx, &pre)
	same(t, "pre-exec error", err, nil)
	same(t, "pre-exec reply", gotReply, &reply)
	same(t, "pre-exec request", f.hook, &pre)

	post := hookAt(ns.PostExec)
	gotReply, err = c.Hook(ctx, &post)
	same(t, "post-exec error", err, nil)
	same(t, "post-exec reply", gotReply, &ns.HookReply{Diagnostics: reply.Diagnostics})
	same(t, "post-exec request", f.hook, &post)

	check := hookAt(ns.CheckRun)
	gotReply, err = c.Hook(ctx, &check)
	same(t, "check-run error", err, nil)
	same(t, "check-run reply", gotReply, &ns.HookReply{Diagnostics: reply.Diagnostics})
	same(t, "check-run request", f.hook, &check)

	facts := filled[ns.Facts]()
	ds, err := c.Check(ctx, facts)
	same(t, "check error", err, nil)
	same(t, "check", ds, f.diags)
	same(t, "facts", f.facts, facts)

	review, verdict := filled[ns.ReviewRequest](), filled[ns.ReviewReply]()
	withoutPlugin(verdict.Diagnostics)
	f.verdict = &verdict
	gotVerdict, err := c.Review(ctx, &review)
	same(t, "review error", err, nil)
	same(t, "review", gotVerdict, &verdict)
	same(t, "review request", f.review, &review)
}

func TestEmptyAnswersTravel(t *testing.T) {
	c, ctx := connect(t, &fake{}), t.Context()
	descriptor, err := c.Describe(ctx)
	same(t, "describe error", err, nil)
	same(t, "descriptor", descriptor, &ns.Descriptor{})
	offer, err := c.Negotiate(ctx, &ns.Request{})
	same(t, "negotiate error", err, nil)
	same(t, "offer", offer, &ns.Offer{})
	for _, point := range []ns.Point{ns.PreExec, ns.PostExec, ns.CheckRun, ns.Update} {
		reply, err := c.Hook(ctx, &ns.HookRequest{Point: point})
		same(t, "hook error", err, nil)
		same(t, "reply", reply, &ns.HookReply{})
	}
}

func TestPluginErrorsAreDiagnostics(t *testing.T) {
	no := &ns.Diagnostic{Summary: "open /x: no such file or directory", Hint: "make it", Option: "x", Errno: syscall.ENOENT}
	f := &fake{err: errors.Join(no, errors.New("plain")), offer: &ns.Offer{Diagnostics: []ns.Diagnostic{{Severity: ns.Notice, Summary: "kept"}}}}
	c, ctx := connect(t, f), t.Context()
	want := []ns.Diagnostic{*no, {Summary: "plain"}}

	offer, err := c.Negotiate(ctx, &ns.Request{})
	same(t, "negotiate error", err, nil)
	same(t, "negotiate", offer.Diagnostics, append([]ns.Diagnostic{{Severity: ns.Notice, Summary: "kept"}}, want...))
	for _, point := range []ns.Point{ns.PreExec, ns.PostExec, ns.CheckRun, ns.Update} {
		reply, err := c.Hook(ctx, &ns.HookRequest{Point: point})
		same(t, "hook error", err, nil)
		same(t, string(point), reply.Diagnostics, want)
	}
	ds, err := c.Check(ctx, ns.Facts{})
	same(t, "check error", err, nil)
	same(t, "check", ds, want)

	_, err = c.Describe(ctx)
	var d *ns.Diagnostic
	if !errors.As(err, &d) || d.Summary != no.Summary {
		t.Errorf("describe error is %v, want %v", err, no)
	}
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("describe error %v lost its errno", err)
	}
}

func TestSpelledOutDefaults(t *testing.T) {
	f := &fake{offer: &ns.Offer{
		Steps:       []ns.Step{{Op: "later", Phase: "setup"}, {Phase: "dusk"}},
		Diagnostics: []ns.Diagnostic{{Severity: "error", Summary: "a"}, {Severity: "fatal", Summary: "b"}},
	}}
	offer, err := connect(t, f).Negotiate(t.Context(), &ns.Request{})
	same(t, "negotiate error", err, nil)
	same(t, "steps", offer.Steps, []ns.Step{{Op: "later"}, {Phase: "dusk"}})
	same(t, "diagnostics", offer.Diagnostics, []ns.Diagnostic{{Summary: "a"}, {Severity: "fatal", Summary: "b"}})
}

func TestDiagnosticsAreFitForATerminal(t *testing.T) {
	f := &fake{diags: []ns.Diagnostic{{
		Summary: "a\x1b[2Jb\nc\u202Ed\xff",
		Detail:  strings.Repeat("x", 1<<20),
	}}}
	ds, err := connect(t, f).Check(t.Context(), ns.Facts{Hostname: "h\xff"})
	same(t, "check error", err, nil)
	same(t, "summary", ds[0].Summary, "a\uFFFD[2Jb c\uFFFDd\uFFFD")
	if n := len(ds[0].Detail); n > MaxText+8 {
		t.Errorf("detail has %d bytes, want about %d", n, MaxText)
	}
	same(t, "hostname", f.facts.Hostname, "h\uFFFD")
}

func TestUnknownPointIsRefused(t *testing.T) {
	_, err := connect(t, &fake{}).Hook(t.Context(), &ns.HookRequest{Point: "mid-exec"})
	if err == nil || !strings.Contains(err.Error(), `"mid-exec"`) {
		t.Errorf("got %v, want an error that names the point", err)
	}
}

func TestTextThatIsNotUTF8IsAnError(t *testing.T) {
	req := &ns.Request{Settings: []ns.Setting{{Option: "x", Args: []string{"\xff"}}}}
	_, err := connect(t, &fake{}).Negotiate(t.Context(), req)
	if status.Code(err) != codes.Internal {
		t.Errorf("got %v, want an internal error", err)
	}
}

func TestMessagesOverTheLimitAreRefused(t *testing.T) {
	f := &fake{offer: &ns.Offer{Claims: []string{strings.Repeat("x", MaxMessage)}}}
	_, err := connect(t, f).Negotiate(t.Context(), &ns.Request{})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v, want resource exhausted", err)
	}
}

// greaseReplies does to a server's answers what greaseRequests does to requests.
func greaseReplies(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	resp, err := handle(ctx, req)
	if m, ok := resp.(proto.Message); ok {
		grease(m.ProtoReflect())
	}
	return resp, err
}

func TestFieldsFromTheFutureAreIgnored(t *testing.T) {
	offer := filled[ns.Offer]()
	withoutPlugin(offer.Diagnostics)
	f := &fake{offer: &offer}
	arrived := 0
	count := func(_ context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		arrived = len(req.(proto.Message).ProtoReflect().GetUnknown())
		return greaseReplies(t.Context(), req, nil, handle)
	}
	c := dial(t, serve(t, f, grpc.UnaryInterceptor(count)), true)
	request := filled[ns.Request]()
	got, err := c.Negotiate(t.Context(), &request)
	same(t, "error", err, nil)
	same(t, "request", f.request, &request)
	same(t, "offer", got, &offer)
	if arrived == 0 {
		t.Error("no unknown field arrived, so that nothing was tested")
	}
}
