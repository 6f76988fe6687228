// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// server answers calls, badly.
type server struct{ mode string }

// Describe implements wire.Server.
func (s *server) Describe(context.Context) (*ns.Descriptor, error) {
	d := &ns.Descriptor{
		Name:    "bad-" + s.mode,
		Version: "1.0.0",
		Summary: "misbehaves",
		Kinds:   []ns.Kind{ns.UTS},
		Hooks:   []ns.Point{ns.PreExec, ns.PostExec},
	}
	switch s.mode {
	case "othername":
		d.Name = "somebody"
	case "descriptor":
		d.Version, d.Summary, d.Kinds = "", "", []ns.Kind{"flux"}
	case "requires":
		d.Requires = []string{"time travel"}
	case "impure":
		d.Version = fmt.Sprint(time.Now().UnixNano())
	case "fickle-review":
		d.Requires = []string{ns.FeatureReview}
	case "sensitive":
		d.Options = []ns.Option{{Name: "key", Type: ns.String, Help: "never shown", Sensitive: true}}
	case "needskey":
		d.Options = []ns.Option{{Name: "key", Type: ns.String, Help: "never shown", Sensitive: true}}
	case "badoption":
		d.Options = []ns.Option{{Name: "count", Type: "number", Help: "how many"}}
	case "anyvalue":
		d.Options = []ns.Option{{Name: "count", Type: ns.Int, Help: "how many"}}
	case "checksnothing":
		d.Features = []string{ns.FeatureCheckRun}
	case "repairs":
		d.Features = []string{ns.FeatureCheckRun}
	case "updatesall", "updatesothers", "updatelitter":
		d.Options = []ns.Option{{Name: "count", Type: ns.Int, Help: "how many"}}
		d.Features = []string{ns.FeatureUpdate + "count"}
	case "interrupt":
		signal.Reset(os.Interrupt)
	}
	return d, nil
}

// answers are what Negotiate does. Modes without one make an empty offer.
var answers = map[string]func(ctx context.Context) (*ns.Offer, error){
	"hang":  func(context.Context) (*ns.Offer, error) { sleep(); return nil, nil },
	"panic": func(context.Context) (*ns.Offer, error) { panic("no luck today") },
	"segv":  func(context.Context) (*ns.Offer, error) { crash(); return nil, nil },
	"exit":  func(context.Context) (*ns.Offer, error) { os.Exit(4); return nil, nil },
	"stop": func(context.Context) (*ns.Offer, error) {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGSTOP); err != nil {
			return nil, err
		}
		sleep() // the signal may come a moment later
		return nil, nil
	},
	// huge is large enough to be refused, and small enough for the machine.
	"huge": func(context.Context) (*ns.Offer, error) {
		return &ns.Offer{Env: []ns.EnvVar{{Name: "A", Value: strings.Repeat("x", 16<<20)}}}, nil
	},
	"manysteps": func(context.Context) (*ns.Offer, error) {
		return &ns.Offer{Steps: make([]ns.Step, 100_000)}, nil
	},
	"somesteps": func(context.Context) (*ns.Offer, error) {
		return &ns.Offer{Steps: make([]ns.Step, 5000)}, nil
	},
	// millionsteps fits into a message, and takes much more memory when it is decoded.
	"millionsteps": func(context.Context) (*ns.Offer, error) {
		return &ns.Offer{Steps: make([]ns.Step, 1_000_000)}, nil
	},
	"unknownstep": func(context.Context) (*ns.Offer, error) {
		return &ns.Offer{Steps: []ns.Step{{Op: "shell", Data: "true"}}}, nil
	},
	"ansi": func(context.Context) (*ns.Offer, error) {
		return nil, &ns.Diagnostic{Summary: "\x1b[2Jred\nline", Detail: strings.Repeat("x", 1<<20)}
	},
	"stdin": func(context.Context) (*ns.Offer, error) {
		all, err := io.ReadAll(os.NewFile(0, "stdin"))
		if err != nil {
			return nil, err
		}
		return answer(string(all)), nil
	},
	"environ": func(context.Context) (*ns.Offer, error) {
		return answer(strings.Join(os.Environ(), "\n")), nil
	},
	"place": func(context.Context) (*ns.Offer, error) {
		dir, err := os.Getwd()
		pgid, _ := syscall.Getpgid(0)
		return answer(fmt.Sprintf("dir=%s leader=%v", dir, pgid == os.Getpid())), err
	},
	"flood-stdout": func(context.Context) (*ns.Offer, error) { return flood(1) },
	"flood-stderr": func(context.Context) (*ns.Offer, error) { return flood(2) },
	"longline": func(context.Context) (*ns.Offer, error) {
		_, err := syscall.Write(1, []byte(strings.Repeat("x", 1<<20)+"\n"))
		return &ns.Offer{}, err
	},
	"flood-stream": func(context.Context) (*ns.Offer, error) {
		_, err := io.WriteString(os.Stdout, strings.Repeat("chatter\n", 100_000))
		return &ns.Offer{}, err
	},
	"pid": func(context.Context) (*ns.Offer, error) { return answer(fmt.Sprint(os.Getpid())), nil },
}

// answer wraps what a test wants to know in an offer.
func answer(text string) *ns.Offer {
	return &ns.Offer{Env: []ns.EnvVar{{Name: "ANSWER", Value: text}}}
}

// flood writes 20 MB of lines to the raw descriptor, past go-plugin's pipes.
func flood(fd int) (*ns.Offer, error) {
	chunk := []byte(strings.Repeat(strings.Repeat("y", 99)+"\n", 1000))
	for range 200 {
		for rest := chunk; len(rest) > 0; {
			n, err := syscall.Write(fd, rest)
			if err != nil {
				return nil, err
			}
			rest = rest[n:]
		}
	}
	return &ns.Offer{}, nil
}

// Negotiate implements wire.Server.
func (s *server) Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error) {
	if f, ok := answers[s.mode]; ok {
		return f(ctx)
	}
	if f, ok := offers[s.mode]; ok {
		return f(req)
	}
	return offer(req)
}

// Hook implements wire.Server.
func (s *server) Hook(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	if f, ok := hooks[s.mode]; ok {
		return f(req)
	}
	switch s.mode {
	case "prehang":
		if req.Point == ns.PreExec {
			sleep()
		}
	case "latestep":
		return &ns.HookReply{Steps: []ns.Step{{Op: "shell"}}}, nil
	}
	return &ns.HookReply{State: []byte("state")}, nil
}

// Check implements wire.Server.
func (s *server) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) {
	if s.mode == "checklitter" {
		if _, err := os.MkdirTemp("", "bad"); err != nil {
			return nil, err
		}
	}
	if s.mode == "badcheck" {
		return []ns.Diagnostic{{Severity: "dreadful", Summary: "checked"}}, nil
	}
	return []ns.Diagnostic{{Severity: ns.Warning, Summary: "checked"}}, nil
}

// Review implements wire.Server.
func (s *server) Review(context.Context, *ns.ReviewRequest) (*ns.ReviewReply, error) {
	if s.mode == "fickle-review" {
		return nil, &ns.Diagnostic{Summary: fmt.Sprint("not at ", time.Now().UnixNano())}
	}
	return nil, nil
}
