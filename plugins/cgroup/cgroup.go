// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"strconv"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// cgroup is the plugin, with its options. Limits that aren't given are those of the
// caller's own control group, in which the run's lies.
type cgroup struct {
	Memory   string   `option:"memory" args:"SIZE" help:"memory of all processes together, swap included where the kernel counts it: 64m, 2g"`
	CPUs     string   `option:"cpus" args:"N" help:"processors' worth of time: 2, 0.5"`
	Pids     string   `option:"pids-limit" args:"N" help:"how many processes and threads there may be"`
	ReadBPS  []string `option:"device-read-bps" args:"DEVICE:RATE" help:"bytes per second to read from a device: /dev/sda:10m"`
	WriteBPS []string `option:"device-write-bps" args:"DEVICE:RATE" help:"bytes per second to write to a device: /dev/sda:10m"`
}

// Describe returns what the plugin says of itself.
func (*cgroup) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "cgroup", Version: "0.1.0", Kinds: []ns.Kind{ns.Cgroup},
		Summary: "limits for memory, processors, processes and devices, of a run as a whole"}
}

// Negotiate looks for a place for each limit that is asked for.
func (c *cgroup) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	limits, err := c.limits()
	if err != nil {
		return nil, err
	}
	if _, err := place(limits); err != nil {
		return nil, err
	}
	offer := &ns.Offer{Kinds: req.Owns}
	if len(limits) > 0 {
		offer.Hooks = []ns.Point{ns.PreExec, ns.PostExec}
	}
	return offer, nil
}

// PreExec makes the run's groups, and moves the blocked child into them: what it becomes
// and starts is in them from its first instruction on.
func (c *cgroup) PreExec(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	limits, err := c.limits()
	if err != nil {
		return nil, err
	}
	groups, err := place(limits)
	if err != nil {
		return nil, err
	}
	for i := range groups {
		groups[i].dir += "/nsrun-" + req.RunID
	}
	if err := remember(req.StateDir, groups); err != nil {
		return nil, err
	}
	reply := &ns.HookReply{Results: map[string]string{}}
	for _, g := range groups {
		if err := g.fill(req.PID); err != nil {
			return nil, err
		}
		reply.Results["cgroup "+g.controllers()] = g.dir
	}
	return reply, nil
}

// PostExec ends what is left in the run's groups and removes them.
func (c *cgroup) PostExec(_ context.Context, req *ns.HookRequest) error {
	dirs, err := recall(req.StateDir)
	if err != nil {
		return err
	}
	var told, failed []error
	for _, dir := range dirs {
		if outOfMemory(dir) {
			told = append(told, nsplugin.Warnf("killed for memory: --memory %s", c.Memory).WithOption("memory").WithHint("--memory with more"))
		}
		failed = append(failed, remove(dir))
	}
	return errors.Join(append(failed, told...)...)
}

// Check tells which limits can be set here.
func (*cgroup) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) {
	var found []ns.Diagnostic
	for _, option := range []string{"memory", "cpus", "pids-limit", "device-read-bps"} {
		if _, err := place([]limit{{option: option, controller: controllerOf[option]}}); err != nil {
			for _, d := range ns.Diagnose(err) {
				d.Severity = ns.Warning
				found = append(found, d)
			}
		}
	}
	return found, nil
}

// parseSize reads a number of bytes, with k, m, g or t behind it for 1024 and its powers.
func parseSize(s string) (uint64, error) {
	shift := uint(0)
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			shift = 10
		case 'm', 'M':
			shift = 20
		case 'g', 'G':
			shift = 30
		case 't', 'T':
			shift = 40
		}
	}
	if shift > 0 {
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 || n>>(63-shift) != 0 {
		return 0, os.ErrInvalid
	}
	return n << shift, nil
}
