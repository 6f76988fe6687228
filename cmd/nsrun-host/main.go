// SPDX-License-Identifier: Apache-2.0

// Command nsrun-host is the plugin host: it starts plugins through go-plugin and
// calls them for nsrun, over the socket that nsrun gave it. It isn't run by hand.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/config/decode"
	"github.com/nsrun/nsrun/core/host"
	"github.com/nsrun/nsrun/core/hostproc"
	"github.com/nsrun/nsrun/core/trace"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nsrun-host:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	options, err := hostproc.ParseOptions(args)
	if err != nil {
		return err
	}
	traces, err := traceDir()
	if err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	dir, remove, err := host.SocketDir(options.Dir)
	if err != nil {
		return err
	}
	defer remove()
	attach, err := host.ParseReattach(os.Getenv(host.ReattachEnv))
	if err != nil {
		return err
	}
	h, err := host.New(host.Config{Dir: dir, Logger: logger(options.Debug), Reattach: attach})
	if err != nil {
		return err
	}
	defer h.Close()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	go abortAt(syscall.SIGTERM, leave, h, remove)
	conn := os.NewFile(hostproc.ConnFD, "nsrun")
	served := withConfig{h}
	if traces == "" {
		return hostproc.Stay(ctx, options, conn, served)
	}
	traced, err := trace.Wrap(served, traces)
	if err != nil {
		return err
	}
	return hostproc.Stay(ctx, options, conn, traced)
}

// withConfig is the plugin host that reads configuration files as well, since the
// front links no TOML library.
type withConfig struct{ *host.Host }

// Config implements hostproc.Host.
func (withConfig) Config(_ context.Context, sources []config.Source) ([]config.File, error) {
	return decode.Files(sources)
}

// traceDir returns the directory for traces of calls, "" if none are wanted. It is
// seen from the caller's working directory.
func traceDir() (string, error) {
	dir := os.Getenv(trace.Env)
	if dir == "" {
		return "", nil
	}
	return filepath.Abs(dir)
}

// abortAt has no other client come, kills all plugins and exits when the signal comes,
// which says that nsrun was killed, or that somebody wants this process gone.
func abortAt(sig os.Signal, leave func(), h *host.Host, remove func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	<-c
	leave()
	h.Abort()
	remove()
	os.Exit(1)
}

// harden sets what plugins inherit: their files are the caller's alone unless
// they say otherwise, a core dump would hold what they know, and what the caller
// has open beside the standard files is none of theirs.
func harden() error {
	if err := unix.CloseRange(hostproc.ConnFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close descriptors on exec: %w", err)
	}
	unix.Umask(0o077)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turn off core dumps: %w", err)
	}
	// The caller's working directory may be on a file system to be unmounted.
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("change directory to /: %w", err)
	}
	return nil
}

func logger(debug bool) *slog.Logger {
	level := slog.LevelWarn
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
