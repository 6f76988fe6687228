// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Host starts plugins when they are first called, and stops them all at Close.
// It implements core.Host. A plugin that broke in a call is ended; the next call
// starts it anew, so that what it has left can still be undone.
type Host struct {
	cfg Config

	mu      sync.Mutex
	running map[find.Plugin]*instance
	started int // how many were, for the names of their directories
	closed  bool
}

// New returns a host without plugins. It fails if cfg.Dir can be reached by
// others.
func New(cfg Config) (*Host, error) {
	if err := checkDir(cfg.Dir); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Deadlines = cfg.Deadlines.withDefaults()
	return &Host{cfg: cfg, running: make(map[find.Plugin]*instance)}, nil
}

// Describe returns what the plugin says of itself, checked. A plugin that says that it
// can't be used may have several reasons: the mistakes in a file, say.
func (h *Host) Describe(ctx context.Context, p find.Plugin) (d *ns.Descriptor, err error) {
	var reasons []ns.Diagnostic
	err = h.call(ctx, p, "describe", h.cfg.Deadlines.Describe, func(ctx context.Context, i *instance) (said []ns.Diagnostic, err error) {
		d, err = i.descriptor(ctx)
		reasons = ns.Diagnose(err)
		return nil, err
	})
	if err != nil && len(reasons) > 1 {
		fillIn(reasons, p)
		err = ns.Errors(reasons)
	}
	return d, err
}

// Negotiate returns the plugin's offer for req, checked.
func (h *Host) Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (offer *ns.Offer, err error) {
	err = h.call(ctx, p, "negotiate", h.cfg.Deadlines.Negotiate, func(ctx context.Context, i *instance) (said []ns.Diagnostic, err error) {
		d, err := i.descriptor(ctx)
		if err != nil {
			return nil, err
		}
		if offer, err = i.client.Negotiate(ctx, req); err != nil {
			return nil, err
		}
		return offer.Diagnostics, refuse(ns.CheckOffer(d, req, offer))
	})
	if err != nil {
		return nil, err
	}
	fillIn(offer.Diagnostics, p)
	return offer, nil
}

// Hook calls the plugin at req.Point and returns its reply, checked. A hook that
// failed in the plugin has an error among the reply's diagnostics.
func (h *Host) Hook(ctx context.Context, p find.Plugin, req *ns.HookRequest) (reply *ns.HookReply, err error) {
	err = h.call(ctx, p, string(req.Point), h.cfg.Deadlines.of(req.Point), func(ctx context.Context, i *instance) (said []ns.Diagnostic, err error) {
		if reply, err = i.client.Hook(ctx, req); err != nil {
			return nil, err
		}
		return reply.Diagnostics, refuse(ns.CheckReply(req, reply))
	})
	if err != nil {
		return nil, err
	}
	fillIn(reply.Diagnostics, p)
	return reply, nil
}

// Check returns what the plugin says stands in its way on this host.
func (h *Host) Check(ctx context.Context, p find.Plugin, facts ns.Facts) (ds []ns.Diagnostic, err error) {
	err = h.call(ctx, p, "check", h.cfg.Deadlines.Check, func(ctx context.Context, i *instance) (said []ns.Diagnostic, err error) {
		if ds, err = i.client.Check(ctx, facts); err != nil {
			return nil, err
		}
		return ds, refuse(ns.CheckDiagnostics(ds))
	})
	if err != nil {
		return nil, err
	}
	fillIn(ds, p)
	return ds, nil
}

// Review returns what the plugin says of the run, checked.
func (h *Host) Review(ctx context.Context, p find.Plugin, req *ns.ReviewRequest) (reply *ns.ReviewReply, err error) {
	err = h.call(ctx, p, "review", h.cfg.Deadlines.Negotiate, func(ctx context.Context, i *instance) (said []ns.Diagnostic, err error) {
		if reply, err = i.client.Review(ctx, req); err != nil {
			return nil, err
		}
		return reply.Diagnostics, refuse(ns.CheckReview(reply))
	})
	if err != nil {
		return nil, err
	}
	fillIn(reply.Diagnostics, p)
	return reply, nil
}

// Close stops every plugin and returns when they are gone. Each may end by itself
// for 300 ms and is killed then. Calls under way fail, and so do later ones.
func (h *Host) Close() error {
	var ends sync.WaitGroup
	for _, i := range h.shut() {
		ends.Go(func() { i.end(true) })
	}
	ends.Wait()
	return nil
}

// Abort is a Close that kills every plugin at once, with all that is in its
// process group. It may overtake a Close.
func (h *Host) Abort() {
	for _, i := range h.shut() {
		i.kill()
	}
	h.Close()
}

// shut keeps plugins from being started and returns those that run.
func (h *Host) shut() []*instance {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return slices.Collect(maps.Values(h.running))
}

func fillIn(ds []ns.Diagnostic, p find.Plugin) {
	for i := range ds {
		ds[i].Plugin = p.Name
	}
}

// call calls the plugin p, which f does, within the deadline. The start of the
// plugin has a deadline of its own.
func (h *Host) call(ctx context.Context, p find.Plugin, name string, deadline time.Duration, f func(context.Context, *instance) (said []ns.Diagnostic, err error)) error {
	i, err := h.instance(p)
	if err != nil {
		return err
	}
	if err := i.await(ctx, name); err != nil {
		return err
	}
	if i.proc == nil {
		deadline = debugPatience
	}
	if earlier, ok := ctx.Deadline(); ok {
		deadline = min(deadline, time.Until(earlier).Round(time.Millisecond))
	}
	call, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	begin := time.Now()
	said, err := f(call, i)
	if err != nil {
		d := i.explain(call, name, deadline, err)
		h.log(p, name, begin, d)
		h.end(i)
		return d
	}
	h.log(p, name, begin, firstError(said))
	return nil
}

// await waits until the instance can be called.
func (i *instance) await(ctx context.Context, call string) error {
	select {
	case <-i.ready:
	case <-ctx.Done():
		return &ns.Diagnostic{Plugin: i.plugin.Name, Summary: call + ": stopped before the plugin had started"}
	}
	if i.err != nil {
		return i.err
	}
	return nil
}

// instance returns the running instance of p, or starts one.
func (h *Host) instance(p find.Plugin) (*instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &ns.Diagnostic{Plugin: p.Name, Summary: "start plugin: the plugin host is closed"}
	}
	if i, ok := h.running[p]; ok && i.ctx.Err() == nil {
		return i, nil
	}
	if at, ok := h.cfg.Reattach[p.Name]; ok {
		h.running[p] = newReattached(p, at, h.cfg.Logger)
		return h.running[p], nil
	}
	h.started++
	dir := filepath.Join(h.cfg.Dir, strconv.Itoa(h.started))
	i := newInstance(p, dir, h.cfg.Deadlines.Start, h.cfg.Logger)
	h.running[p] = i
	go i.start()
	return i, nil
}

// end ends an instance that broke, at once.
func (h *Host) end(i *instance) {
	h.mu.Lock()
	if h.running[i.plugin] == i {
		delete(h.running, i.plugin)
	}
	h.mu.Unlock()
	i.end(false)
}

// firstError returns the first error of diagnostics, nil if there is none.
func firstError(ds []ns.Diagnostic) *ns.Diagnostic {
	for i := range ds {
		if ds[i].Severity == ns.Error {
			return &ds[i]
		}
	}
	return nil
}

// log logs a call, which ended with d, or well.
func (h *Host) log(p find.Plugin, call string, begin time.Time, d *ns.Diagnostic) {
	attrs := []any{"plugin", p.Name, "call", call, "took", time.Since(begin)}
	if d != nil {
		attrs = append(attrs, "result", d.Summary, "cause", d.Detail)
	} else {
		attrs = append(attrs, "result", "ok")
	}
	h.cfg.Logger.Debug("plugin called", attrs...)
}
