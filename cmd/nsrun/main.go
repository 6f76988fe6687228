// SPDX-License-Identifier: Apache-2.0

// Command nsrun runs a command in Linux namespaces, each set up by a plugin.
//
// It links neither gRPC nor go-plugin, so that it starts as quickly as a C
// program; plugins are started by nsrun-host, a process of its own, when one
// has to be asked.
//
// The runtime's settings below spare each start a dozen system calls, and with
// them a thread: nsrun's own speed doesn't depend on how many processors a cgroup
// lets it use.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/hostproc"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/internal/footprint"
	"github.com/nsrun/nsrun/internal/report"
	"github.com/nsrun/nsrun/internal/version"
	"github.com/nsrun/nsrun/ns"
)

// The child gets SIGKILL when the thread that cloned it ends (prctl(2),
// PR_SET_PDEATHSIG), so nsrun must keep the first thread, which never does. It runs
// as an init function, which has that thread to itself (runtime.LockOSThread). To
// call LockOSThread and go on in main would have the runtime start one thread more,
// which takes a twentieth of a run.
func init() {
	footprint.Stack()
	os.Exit(run(os.Args[1:]))
}

func main() {}

// run returns the exit status of nsrun with these arguments.
func run(args []string) int {
	start := time.Now()
	if err := core.RefuseElevated(); err != nil {
		return fail(err)
	}
	s, err := core.NewSession()
	if err != nil {
		return fail(err)
	}
	s.Environ, s.Notice = os.Environ(), notice
	if s.Base, err = journal.Open(journal.BaseDir(s.Facts.UID, os.Getenv)); err != nil {
		return fail(err)
	}
	if id, ok := core.ReaperOf(os.Args); ok {
		return reap(s, id)
	}
	preview := core.Glance(args)
	warm, err := preview.KeepWarm()
	if err != nil {
		return fail(err)
	}
	if authoring() {
		warm = 0
	}
	host := &hostproc.Lazy{Dir: s.Base.Dir(), Debug: preview.Has("debug"), KeepWarm: warm}
	defer host.Close()
	s.Host, s.ReadConfig = host, host.Config
	early(s, preview, start)
	inv, err := s.Parse(context.Background(), args, preview)
	if err != nil {
		return fail(err)
	}
	if !authoring() {
		host.Keep(inv.KeepWarm) // which a file may have given
	}
	return act(s, inv)
}

// reap is the end of a reaper: it undoes the run id, whose nsrun was killed. Nobody
// reads what goes wrong, and the next nsrun tries again.
func reap(s *core.Session, id string) int {
	host := &hostproc.Lazy{Dir: s.Base.Dir()}
	defer host.Close()
	s.Host = host
	if err := s.Reap(context.Background(), id); err != nil {
		return core.ExitFailed
	}
	return 0
}

// authoring reports whether the caller traces or debugs plugins, and so wants
// them to be asked: core/trace, and core/host's ReattachEnv.
func authoring() bool { return os.Getenv("NSRUN_TRACE") != "" || os.Getenv("NSRUN_REATTACH") != "" }

// early takes the switches that change how the command line itself is read.
func early(s *core.Session, preview core.Preview, start time.Time) {
	if !preview.Has("no-cache") && !authoring() {
		s.Cache = cache.Open(s.Base.CacheDir())
	}
	if preview.Has("debug") {
		s.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if preview.Given("timings") {
		s.Timings = core.NewTimings(start)
	}
}

// act does what the invocation asks for.
func act(s *core.Session, inv *core.Invocation) int {
	switch {
	case inv.ShowHelp:
		return help(os.Stdout, inv)
	case inv.ShowVersion:
		fmt.Println("nsrun " + version.Version)
		return 0
	case len(inv.Command) == 0:
		return fail(&ns.Diagnostic{Summary: "no command is given", Hint: "nsrun --plugins pid,mount ps -ef, or nsrun --help"})
	}
	ctx := context.Background()
	plan, err := s.Negotiate(ctx, inv)
	if err != nil {
		return fail(err)
	}
	if inv.DryRun != "" {
		return dryRun(os.Stdout, s, inv, plan)
	}
	status, err := s.Run(ctx, inv, plan)
	showTimings(inv.Timings, s.Timings.Spans())
	if err != nil {
		fail(err)
	}
	return status
}

// showTimings shows where the time went. Failing to do so changes no exit status.
func showTimings(how string, spans []core.Span) {
	var err error
	file, isSVG := strings.CutPrefix(how, "svg ")
	switch {
	case isSVG:
		var f *os.File
		if f, err = os.Create(file); err == nil {
			err = errors.Join(report.TimingsSVG(f, spans), f.Close())
		}
	case how == "json":
		err = report.TimingsJSON(os.Stderr, spans)
	case how == "text":
		report.Timings(os.Stderr, spans)
	}
	if err != nil {
		notice(&ns.Diagnostic{Severity: ns.Warning, Summary: "write timings: " + err.Error(), Hint: "--timings=svg FILE, a file that can be written"})
	}
}

func dryRun(w io.Writer, s *core.Session, inv *core.Invocation, plan *ns.Plan) int {
	var err error
	switch inv.DryRun {
	case "json":
		err = report.PlanJSON(w, plan)
	case "syscalls":
		var program string
		program, err = s.Program(inv, plan)
		io.WriteString(w, program)
	default:
		err = report.PlanText(w, plan, inv.Command)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

func help(w io.Writer, inv *core.Invocation) int {
	fmt.Fprint(w, "nsrun runs a command in Linux namespaces, each set up by a plugin.\n\n"+
		"  nsrun [flags] [--] command [arguments]\n\n"+
		"The first word that is no flag starts the command. nsctl manages runs and plugins.\n")
	report.Options(w, "Flags of nsrun:", core.CoreOptions)
	for _, m := range inv.Members {
		if len(m.Descriptor.Options) > 0 {
			report.Options(w, fmt.Sprintf("Flags of the plugin %s (%s):", m.Name, m.Descriptor.Summary), m.Descriptor.Options)
		}
	}
	return 0
}

// fail tells all that is wrong, each thing once, and returns the exit status for it.
func fail(err error) int {
	report.Diagnostics(os.Stderr, "nsrun", ns.Diagnose(err))
	return core.ExitFailed
}

func notice(d *ns.Diagnostic) { report.Diagnostic(os.Stderr, "nsrun", d) }
