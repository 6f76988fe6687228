// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// Main serves p to the nsrun that started this process, and exits when nsrun is
// done with it. It is the whole of a plugin's func main.
//
// Run by hand, the process explains itself on standard error and exits with
// status 2; "PLUGIN describe" prints the descriptor as JSON. "PLUGIN debug" serves
// until it is interrupted, and prints NSRUN_REATTACH=..., by which nsrun uses that
// process: start it under a debugger, and break where you like.
//
// Nothing may be written to standard output, which carries the handshake, before
// Main is called. Logs belong into log/slog, which Main points at nsrun's log.
func Main(p Plugin) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "describe":
		os.Exit(describe(os.Stdout, os.Stderr, p))
	case len(os.Args) == 2 && os.Args[1] == "debug":
		os.Exit(serveByHand(context.Background(), os.Stdout, os.Stderr, p))
	case os.Getenv(wire.CookieKey) != wire.CookieValue:
		explain(os.Stderr, p)
		os.Exit(2)
	}
	logTo(os.Stderr, os.Getenv(wire.EnvLogLevel))
	watchLifeline(os.Getenv(wire.EnvLifeline))
	// A terminal's Ctrl-C is nsrun's to handle. go-plugin sees to that too, but
	// after the handshake, and SIG_IGN would be handed down to other programs.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         wire.PluginSet(newServer(p)),
		GRPCServer:      grpcServer,
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, JSONFormat: true}),
	})
}

// describe prints p's descriptor and returns the exit status.
func describe(stdout, stderr io.Writer, p Plugin) int {
	d, err := newServer(p).descriptor()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	enc := json.NewEncoder(stdout)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		fmt.Fprintln(stderr, "print descriptor:", err)
		return 1
	}
	return 0
}

// explain says to somebody who started a plugin by hand what it is.
func explain(w io.Writer, p Plugin) {
	if _, err := newServer(p).descriptor(); err != nil {
		fmt.Fprintln(w, err) // the author runs it to see why nsrun refuses it
		return
	}
	i := p.Describe()
	selector := (&ns.Descriptor{Name: i.Name, Kinds: i.Kinds}).Selector()
	fmt.Fprintf(w, "%s%s %s: %s\n", ns.BinaryPrefix, i.Name, i.Version, i.Summary)
	fmt.Fprintf(w, "This is a plugin of nsrun (protocol %d), which is not run by hand.\n", wire.ProtocolVersion)
	fmt.Fprintf(w, "  namespaces:  %s\n", cmp.Or(ns.JoinKinds(i.Kinds, ", "), "none of its own"))
	fmt.Fprintf(w, "  to use it:   nsrun --plugins %s COMMAND\n", selector)
	fmt.Fprintf(w, "  its flags:   nsrun --plugins %s --help\n", selector)
	fmt.Fprintf(w, "  descriptor:  %s%s describe\n", ns.BinaryPrefix, i.Name)
	fmt.Fprintf(w, "  to debug it: %s%s debug\n", ns.BinaryPrefix, i.Name)
}
