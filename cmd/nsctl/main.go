// SPDX-License-Identifier: Apache-2.0

// Command nsctl manages what nsrun runs: it lists, shows, ends and cleans up
// runs, and shows plugins.
package main

import (
	"errors"
	"log/slog"
	"os"
	"runtime"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/hostproc"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/internal/report"
	"github.com/nsrun/nsrun/internal/version"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

// The command of exec gets SIGKILL when the thread that cloned it ends, so main
// must keep the first thread; see package stage.
func init() { runtime.LockOSThread() }

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit status of nsctl with these arguments.
func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	if err := root.Execute(); err != nil {
		status, err := statusOf(err)
		report.Diagnostics(os.Stderr, "nsctl", ns.Diagnose(err))
		return status
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "nsctl", Short: "Manage the runs and plugins of nsrun", Version: version.Version,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(newPS(), newInspect(), newExplain(), newPort(), newUpdate(), newNet(), newKill(), newExec(), newDoctor(), newDiff(), newKeep(), newDiscard(), newGC(), newCache(), newConfig(), newCompletion(), newCompleteNsrun(), newMan(), newPlugin())
	completeArguments(root)
	return root
}

// session is a core session with a plugin host that starts when it is needed.
type session struct {
	*core.Session
	host *hostproc.Lazy
}

func openSession(pluginDirs []string) (*session, error) {
	s, err := core.NewSession()
	if err != nil {
		return nil, err
	}
	if s.Base, err = journal.Open(journal.BaseDir(s.Facts.UID, os.Getenv)); err != nil {
		return nil, err
	}
	s.Cache = cache.Open(s.Base.CacheDir())
	s.Environ = os.Environ()
	s.Log = slog.New(slog.DiscardHandler)
	s.Notice = func(d *ns.Diagnostic) { report.Diagnostic(os.Stderr, "nsctl", d) }
	host := &hostproc.Lazy{Dir: s.Base.Dir()}
	s.Host, s.ReadConfig = host, host.Config
	return &session{s, host}, s.UseDirs(pluginDirs)
}

// withSession calls f with a session and closes it.
func withSession(pluginDirs []string, f func(*session) error) error {
	s, err := openSession(pluginDirs)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.host.Close())
}
