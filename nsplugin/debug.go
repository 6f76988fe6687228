// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// serveByHand serves p until it is interrupted, for nsrun to use this process instead
// of starting one, and prints what nsrun needs for that. It returns the exit
// status.
func serveByHand(ctx context.Context, stdout, stderr io.Writer, p Plugin) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := listenByHand(ctx, stdout, stderr, p); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func listenByHand(ctx context.Context, stdout, stderr io.Writer, p Plugin) (err error) {
	d, err := newServer(p).descriptor()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nsrun-debug-") // mode 0700
	if err != nil {
		return fmt.Errorf("make directory for the socket: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	listener, err := net.Listen("unix", filepath.Join(dir, "plugin"))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(stdout, "NSRUN_REATTACH=%s=%d:%s\n", d.Name, os.Getpid(), listener.Addr())
	fmt.Fprintf(stderr, "Set this where nsrun is run, as the same user; --plugins %s then uses this process. Ctrl-C ends it.\n", d.Selector())
	return Serve(ctx, listener, p)
}
