// SPDX-License-Identifier: Apache-2.0

// Command hookplugin is a plugin for tests: it writes down when its hooks are
// called and what they get, and fails where it is told to. Its name is that of
// its file, so that one program can be several plugins.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

type recorder struct {
	Log   string `option:"log" type:"path" help:"write down here when hooks are called"`
	Fail  string `option:"fail" enum:"negotiate,pre-exec,post-exec,hang,crash" help:"where to fail"`
	Set   string `option:"set" help:"set this variable for the command"`
	Claim string `option:"claim" help:"own this"`
	Key   string `option:"key,sensitive" help:"a secret" env:"HOOK_KEY"`
}

func name() string {
	return strings.TrimPrefix(filepath.Base(os.Args[0]), ns.BinaryPrefix)
}

func (r *recorder) Describe() nsplugin.Info {
	return nsplugin.Info{Name: name(), Version: "1.0.0", Summary: "records its hooks, for tests"}
}

func (r *recorder) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	if r.Fail == "negotiate" {
		return nil, nsplugin.Errorf("negotiate as told: it fails").WithHint("--" + name() + ".fail with another value")
	}
	o := &ns.Offer{Hooks: []ns.Point{ns.PreExec, ns.PostExec}}
	if r.Set != "" {
		o.Env = []ns.EnvVar{{Name: r.Set, Value: name()}}
	}
	if r.Claim != "" {
		o.Claims = []string{r.Claim}
	}
	return o, nil
}

func (r *recorder) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	r.note("pre-exec pid=%v", req.PID > 0)
	switch r.Fail {
	case "pre-exec":
		return nil, nsplugin.Errorf("pre-exec as told: it fails")
	case "hang":
		time.Sleep(time.Hour)
	case "crash":
		os.Exit(3)
	}
	return &ns.HookReply{State: []byte("state of " + name()), Env: []ns.EnvVar{{Name: "LATE_" + strings.ToUpper(name()), Value: req.RunID}}}, nil
}

func (r *recorder) PostExec(_ context.Context, req *ns.HookRequest) error {
	r.note("post-exec state=%q", req.State)
	if r.Fail == "post-exec" {
		return nsplugin.Errorf("post-exec as told: it fails")
	}
	return nil
}

// note appends a line to the log with one write(2).
func (r *recorder) note(format string, args ...any) {
	f, err := os.OpenFile(r.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, name()+" "+format+"\n", args...)
}

func main() { nsplugin.Main(&recorder{}) }
