// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// explain puts a failed attach into the user's words. CNI's code, message and
// details stay in the detail.
func (w *wish) explain(err error) error {
	summary, hint := w.reason(err)
	d := told("attach to network "+w.conf.list.Name, summary, err).WithHint(hint)
	errors.As(err, &d.Errno)
	return d
}

// told says what was tried and how it ended. If err is a CNI plugin's error, its code,
// message and details are the detail.
func told(tried, ended string, err error) *ns.Diagnostic {
	d := nsplugin.Errorf("%s: %s", tried, oneLine(ended))
	if e, ok := errors.AsType[*cniError](err); ok {
		d.WithDetail(oneLine(e.detail()))
	}
	return d
}

// reason says what went wrong, and what to do.
func (w *wish) reason(err error) (summary, hint string) {
	var e *cniError
	if !errors.As(err, &e) {
		return err.Error(), ""
	}
	for _, known := range reasons {
		if strings.Contains(e.Reply.Msg, known.message) {
			return known.explain(w, e)
		}
	}
	switch e.Reply.Code {
	case types.ErrIncompatibleCNIVersion:
		return fmt.Sprintf("CNI plugin %s doesn't speak CNI %s", e.Plugin, w.conf.list.CNIVersion), "another cniVersion in the conflist"
	case types.ErrTryAgainLater:
		return fmt.Sprintf("CNI plugin %s still says to try again later", e.Plugin), "the same again in a while"
	case types.ErrPluginNotAvailable, types.ErrLimitedConnectivity:
		return fmt.Sprintf("CNI plugin %s is not available", e.Plugin), ""
	}
	return e.Error(), ""
}

// reasons are failures of the reference plugins that have a better explanation
// than their own, by a part of the message.
var reasons = []struct {
	message string
	explain func(w *wish, e *cniError) (summary, hint string)
}{
	{"no IP addresses available", (*wish).exhausted},
	{"requested ip", (*wish).addressTaken},
	{"requested IP address", (*wish).addressTaken},
	{"failed to allocate all requested IPs", (*wish).addressTaken},
	{"bridge port in error state", (*wish).bridgeDead},
	{"already has an IP address different from", (*wish).bridgeMoved},
	{"already exists but is not a bridge", (*wish).bridgeMoved},
	{"failed to locate iptables", (*wish).noIPTables},
}

// exhausted explains that all addresses are given out.
func (w *wish) exhausted(e *cniError) (summary, hint string) {
	_, pool, _ := strings.Cut(e.Reply.Msg, "range set: ")
	var holders []string
	for _, p := range w.conf.list.Plugins {
		if dir, ok := leaseDir(w.conf.list.Name, p); ok {
			holders = append(holders, dir.holders(netip.Addr.IsValid)...)
		}
	}
	hint = "end other runs, or nsctl gc for those that were killed; a larger range in the conflist"
	if w.own != nil {
		hint = "end other runs, or nsctl gc for those that were killed; --subnet with a larger network"
	}
	return nsnet.Exhausted(pool, holders, nsnet.Living(w.req)), hint
}

func (w *wish) addressTaken(e *cniError) (summary, hint string) {
	return fmt.Sprintf("address %s is in use or out of range", strings.Join(addressTexts(w.ips), ", ")), "another --ip, or none"
}

func (w *wish) bridgeDead(e *cniError) (summary, hint string) {
	return "the bridge doesn't take the sandbox's interface up", "look at it: ip link show type bridge; delete it if no sandbox uses it, and it is made anew"
}

func (w *wish) bridgeMoved(e *cniError) (summary, hint string) {
	return strings.ReplaceAll(e.Reply.Msg, `"`, ""), "if no sandbox uses it, delete it and it is made anew: ip link delete BRIDGE"
}

func (w *wish) noIPTables(e *cniError) (summary, hint string) {
	return fmt.Sprintf("CNI plugin %s needs iptables, which is not installed", e.Plugin), "install iptables, or nftables and \"ipMasqBackend\": \"nftables\" in the conflist"
}

// detail is all that the plugin said.
func (e *cniError) detail() string {
	text := fmt.Sprintf("%s of CNI plugin %s: code %d: %s", e.Command, e.Plugin, e.Reply.Code, strings.TrimSpace(e.Reply.Msg))
	for _, more := range []string{e.Reply.Details, e.Stderr} {
		if more = strings.TrimSpace(more); more != "" {
			text += "; " + more
		}
	}
	return text
}

// oneLine returns text without what can't stand in a line: what a plugin wrote may
// hold line breaks and escape sequences.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return strings.Join(strings.Fields(clean), " ")
}
