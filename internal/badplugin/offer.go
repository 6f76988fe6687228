// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// offer is what a plugin that behaves answers: it makes the namespaces that it
// owns, and refuses options, of which it has none.
func offer(req *ns.Request) (*ns.Offer, error) {
	var errs []error
	for _, s := range req.Settings {
		errs = append(errs, &ns.Diagnostic{Summary: "no such option", Option: s.Option})
	}
	return &ns.Offer{Kinds: req.Owns, Hooks: []ns.Point{ns.PreExec, ns.PostExec}}, errors.Join(errs...)
}

// calls counts calls of a process that keeps state between them.
var calls atomic.Int64

// busy is 1 while a call is under way.
var busy atomic.Int64

// offers are what Negotiate does in modes that break a rule of its answer, or of
// what it may do on the way.
var offers = map[string]func(*ns.Request) (*ns.Offer, error){
	"lax": func(req *ns.Request) (*ns.Offer, error) {
		return &ns.Offer{Kinds: req.Owns}, nil
	},
	"anyvalue": func(req *ns.Request) (*ns.Offer, error) {
		if _, ok := req.Get("count"); ok {
			return &ns.Offer{Kinds: req.Owns}, nil
		}
		return offer(req)
	},
	"fickle": func(req *ns.Request) (*ns.Offer, error) {
		o, err := offer(req)
		o.Claims = []string{fmt.Sprint("call ", calls.Add(1))}
		return o, err
	},
	"serial": func(req *ns.Request) (*ns.Offer, error) {
		if !busy.CompareAndSwap(0, 1) {
			return nil, errors.New("one at a time, please")
		}
		defer busy.Store(0)
		time.Sleep(10 * time.Millisecond)
		return offer(req)
	},
	"litter": func(req *ns.Request) (*ns.Offer, error) {
		_, err := os.MkdirTemp("", "bad")
		o, err2 := offer(req)
		return o, errors.Join(err, err2)
	},
	"sensitive": func(req *ns.Request) (*ns.Offer, error) {
		if key, ok := req.Get("key"); ok {
			slog.Warn("the key is " + key)
			return &ns.Offer{Kinds: req.Owns}, nil
		}
		return offer(req)
	},
	"loud": func(req *ns.Request) (*ns.Offer, error) {
		const line = `{"@message":"just so you know","@level":"info","@timestamp":"2026-01-02T03:04:05.000000Z"}`
		fmt.Fprintln(stderr, line)
		return offer(req)
	},
}

// stderr is the standard error that the process began with: go-plugin puts a
// pipe of its own into os.Stderr.
var stderr = os.Stderr

// hooks are what hooks do in modes that undo badly.
var hooks = map[string]func(*ns.HookRequest) (*ns.HookReply, error){
	"undofails": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PostExec {
			return nil, errors.New("no such thing")
		}
		return &ns.HookReply{}, nil
	},
	"undoonce": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PostExec && calls.Add(1) > 1 {
			return nil, errors.New("already gone")
		}
		return &ns.HookReply{}, nil
	},
	"leftover": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PostExec {
			return &ns.HookReply{}, nil
		}
		return &ns.HookReply{}, os.Mkdir(filepath.Join(os.TempDir(), req.RunID), 0o700)
	},
	"needsstate": func(req *ns.HookRequest) (*ns.HookReply, error) {
		path := filepath.Join(os.TempDir(), req.RunID)
		if req.Point == ns.PostExec {
			if len(req.State) == 0 {
				return &ns.HookReply{}, nil // forgets what it did if it wasn't told
			}
			return &ns.HookReply{}, os.RemoveAll(path)
		}
		return &ns.HookReply{State: []byte("made")}, os.Mkdir(path, 0o700)
	},
}
