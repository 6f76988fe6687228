// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// Update changes the ports that the sandbox has published.
func (n *nested) Update(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	change, err := n.Change(req)
	n.Publish = change.Publish
	_, more := n.resolve()
	if err := errors.Join(err, more, checkCount(change.After), change.CheckFree(req.RunID)); err != nil {
		return nil, err
	}
	network, err := homeOf(req).republish(ctx, req, change.After)
	if err != nil {
		return nil, err
	}
	reply := change.Reply(req)
	reply.State = []byte(network)
	return reply, nil
}

// republish has the network publish ports for the run and no others. Which it has already,
// it is asked, since an earlier update may have been cut short. It returns the network's id.
func (h home) republish(ctx context.Context, req *ns.HookRequest, ports []nsnet.Mapping) (string, error) {
	conn, err := h.connect()
	if err != nil {
		return "", lostBefore()
	}
	defer conn.Close()
	run := bridge.Run{ID: req.RunID, Name: req.RunName}
	has, err := converse(ctx, conn, call{Call: portsCall, Run: run})
	switch {
	case isLost(err), err == nil && len(req.State) > 0 && has.Network != string(req.State):
		return "", lostBefore()
	case err != nil:
		return "", err
	}
	isOpen := func(m nsnet.Mapping) bool { return slices.ContainsFunc(has.Ports, m.SameHost) }
	keep := slices.DeleteFunc(slices.Clone(ports), func(m nsnet.Mapping) bool { return !isOpen(m) })
	fresh := slices.DeleteFunc(slices.Clone(ports), isOpen)
	files, err := openPorts(fresh)
	if err != nil {
		return "", err
	}
	defer closeAll(files)
	if _, err = converse(ctx, conn, call{Call: publishCall, Run: run, Ports: fresh, Keep: keep}, files...); isLost(err) {
		return "", lostBefore()
	}
	return has.Network, err
}

func lostBefore() error {
	return nsplugin.Errorf("change published ports: the network of the run was lost").WithHint("end the run and start it again")
}

// ports says which ports the run has published.
func (n *network) ports(runID string) (*answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[runID]
	if p == nil {
		return nil, lostBefore()
	}
	a := &answer{Network: n.id}
	for _, f := range p.forwards {
		a.Ports = append(a.Ports, f.port)
	}
	return a, nil
}

// publish serves the ports of c by their sockets and, by those that are served already,
// the ports to keep. All others are closed.
func (n *network) publish(c *call, sockets []*os.File) (*answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[c.Run.ID]
	if p == nil || len(sockets) != len(c.Ports) {
		closeAll(sockets)
		return nil, lostBefore()
	}
	before := p.forwards
	p.forwards = nil
	if err := p.forward(c.Ports, sockets); err != nil {
		p.closeForwards()
		p.forwards = before
		return nil, err
	}
	for _, f := range before {
		i := slices.IndexFunc(c.Keep, f.port.SameHost)
		if i < 0 {
			f.close()
			continue
		}
		f.lead(p, c.Keep[i])
		p.forwards = append(p.forwards, f)
	}
	return &answer{Network: n.id}, nil
}

func (p *place) closeForwards() {
	for _, f := range p.forwards {
		f.close()
	}
}
