// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// command is a request to the socket of slirp4netns; its manual, "API socket".
type command struct {
	Execute   string  `json:"execute"`
	Arguments forward `json:"arguments"`
}

// forward asks for one port to be published.
type forward struct {
	Proto     string `json:"proto"`
	HostAddr  string `json:"host_addr"`
	HostPort  int    `json:"host_port"`
	GuestPort int    `json:"guest_port"`
}

// answer is what comes back. Exactly one of its fields is there.
type answer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

// publish makes the ports of the sandbox ports of the host, and returns an error for
// each that slirp4netns refuses.
func (w *wish) publish(ctx context.Context, socket string) error {
	var errs []error
	for _, m := range w.ports {
		if err := publishOne(ctx, socket, m); err != nil {
			errs = append(errs, nsplugin.Errorf("publish %s: %w", m, err).WithOption("publish").
				WithHint("another host port, and one from 1024 on as an ordinary user"))
		}
	}
	return errors.Join(errs...)
}

// publishOne publishes one port. The socket takes one request for each connection,
// which the end of what is sent concludes.
func publishOne(ctx context.Context, socket string, m nsnet.Mapping) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := json.NewEncoder(conn).Encode(command{"add_hostfwd", forwardOf(m)}); err != nil {
		return err
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		return err
	}
	var a answer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		return fmt.Errorf("read the answer of slirp4netns: %w", err)
	}
	if a.Error != nil {
		return errors.New(a.Error.Desc)
	}
	return nil
}

func forwardOf(m nsnet.Mapping) forward {
	f := forward{Proto: m.Protocol, HostAddr: "0.0.0.0", HostPort: m.HostPort, GuestPort: m.Port}
	if m.HostIP.IsValid() {
		f.HostAddr = m.HostIP.String()
	}
	return f
}
