// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
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
	"wantsuser": func(req *ns.Request) (*ns.Offer, error) {
		o, err := offer(req)
		o.Wants = []ns.Kind{ns.User}
		return o, err
	},
	"lax": func(req *ns.Request) (*ns.Offer, error) {
		return &ns.Offer{Kinds: req.Owns}, nil
	},
	"anyvalue": func(req *ns.Request) (*ns.Offer, error) {
		if _, ok := req.Get("count"); ok {
			return &ns.Offer{Kinds: req.Owns}, nil
		}
		return offer(req)
	},
	"fdleak": func(req *ns.Request) (*ns.Offer, error) {
		_, err := syscall.Open("/dev/zero", syscall.O_RDONLY, 0)
		o, err2 := offer(req)
		return o, errors.Join(err, err2)
	},
	"tty": func(req *ns.Request) (*ns.Offer, error) {
		_, err := syscall.Open("/dev/ptmx", syscall.O_RDONLY|syscall.O_NOCTTY, 0)
		o, err2 := offer(req)
		return o, errors.Join(err, err2)
	},
	"listener": func(req *ns.Request) (*ns.Offer, error) {
		name := fmt.Sprint("@nsrun-bad-listener-", os.Getpid())
		_, err := detach([]string{"SOCK=" + name}, "nsrun-plugin-bad-listen")
		for err == nil {
			conn, dialErr := net.Dial("unix", name)
			if dialErr == nil {
				conn.Close()
				break
			}
		}
		o, err2 := offer(req)
		return o, errors.Join(err, err2)
	},
	"baddiag": func(req *ns.Request) (*ns.Offer, error) {
		if len(req.Settings) > 0 {
			return &ns.Offer{Diagnostics: []ns.Diagnostic{{Severity: "dreadful", Summary: "no such option"}}}, nil
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
	// undohalf forgets the rest when it was killed between two steps.
	"undohalf": func(req *ns.HookRequest) (*ns.HookReply, error) {
		mark, rest := filepath.Join(os.TempDir(), req.RunID+".mark"), filepath.Join(os.TempDir(), req.RunID)
		if req.Point == ns.PreExec {
			return &ns.HookReply{}, errors.Join(os.Mkdir(mark, 0o700), os.Mkdir(rest, 0o700))
		}
		if os.Remove(mark) != nil {
			return &ns.HookReply{}, nil
		}
		time.Sleep(500 * time.Millisecond)
		return &ns.HookReply{}, os.Remove(rest)
	},
	"undoall": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PreExec {
			return &ns.HookReply{}, os.Mkdir(filepath.Join(os.TempDir(), "conform-"+req.RunID), 0o700)
		}
		entries, err := os.ReadDir(os.TempDir())
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(os.TempDir(), e.Name())))
		}
		return &ns.HookReply{}, err
	},
	"needskey": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if _, ok := req.Request.Get("key"); !ok && req.Point == ns.PostExec {
			return nil, &ns.Diagnostic{Summary: "no key to undo with", Option: "key"}
		}
		return &ns.HookReply{}, nil
	},
	"undohangs": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PostExec {
			sleep()
		}
		return &ns.HookReply{}, nil
	},
	"checksnothing": func(*ns.HookRequest) (*ns.HookReply, error) { return &ns.HookReply{}, nil },
	"repairs": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point != ns.CheckRun {
			return &ns.HookReply{}, os.RemoveAll(filepath.Join(os.TempDir(), "bad"))
		}
		said := ns.Diagnostic{Severity: ns.Notice, Summary: "all is as it should be"}
		return &ns.HookReply{Diagnostics: []ns.Diagnostic{said}}, os.Mkdir(filepath.Join(os.TempDir(), "bad"), 0o700)
	},
	"updatesall": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point != ns.Update {
			return &ns.HookReply{}, nil
		}
		return &ns.HookReply{Settings: req.Request.Settings}, nil
	},
	"updatesothers": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point != ns.Update {
			return &ns.HookReply{}, nil
		}
		return &ns.HookReply{Settings: []ns.Setting{{Option: "size", Args: []string{"7"}}}}, nil
	},
	"updatelitter": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point != ns.Update {
			return &ns.HookReply{}, os.RemoveAll(filepath.Join(os.TempDir(), "bad"))
		}
		return nil, errors.Join(errors.New("no such value"), os.Mkdir(filepath.Join(os.TempDir(), "bad"), 0o700))
	},
	"stopchild": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PreExec {
			return &ns.HookReply{}, syscall.Kill(req.PID, syscall.SIGSTOP)
		}
		return &ns.HookReply{}, nil
	},
	// helperstays leaves a program that serves the run, in a session of its own.
	"helperstays": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PostExec {
			return &ns.HookReply{}, nil
		}
		return serveRun(req.RunID)
	},
	"helperwithoutid": func(req *ns.HookRequest) (*ns.HookReply, error) {
		if req.Point == ns.PostExec {
			return &ns.HookReply{}, nil
		}
		return serveRun("somebody")
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

// serveRun starts a program with name in its arguments, and names it as one that
// serves the run.
func serveRun(name string) (*ns.HookReply, error) {
	pid, err := detach([]string{}, "nsrun-plugin-bad-sleeper", name)
	if err != nil {
		return nil, err
	}
	return &ns.HookReply{Helpers: []ns.Helper{{Name: "sleeper", PID: pid}}}, nil
}

// detach starts this program with other arguments, in a session of its own, where the
// end of the plugin's process group doesn't reach it.
func detach(env []string, args ...string) (pid int, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args, cmd.Env = args, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return cmd.Process.Pid, nil
}
