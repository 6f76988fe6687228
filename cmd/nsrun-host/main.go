// SPDX-License-Identifier: Apache-2.0

// Command nsrun-host is the plugin host: it starts plugins through go-plugin and
// calls them for nsrun, over the socket that nsrun gave it. It isn't run by hand.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/nsrun/nsrun/core/host"
	"github.com/nsrun/nsrun/core/hostproc"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nsrun-host:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("nsrun starts this by itself: run nsrun --help")
	}
	dir, remove, err := host.SocketDir(args[0])
	if err != nil {
		return err
	}
	defer remove()
	h, err := host.New(host.Config{Dir: dir, Logger: logger(args)})
	if err != nil {
		return err
	}
	defer h.Close()
	return hostproc.Serve(os.NewFile(hostproc.ConnFD, "nsrun"), h)
}

func logger(args []string) *slog.Logger {
	level := slog.LevelWarn
	if slices.Contains(args, hostproc.DebugArg) {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
