// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Client is nsrun's end. It implements core.Host.
type Client struct {
	framer
	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan answer
	broken  error // why no more calls can be made
}

// NewClient returns a client that speaks over conn.
func NewClient(conn io.ReadWriteCloser) *Client {
	c := &Client{framer: framer{conn: conn}, pending: map[uint64]chan answer{}}
	go c.readAnswers()
	return c
}

// Describe implements core.Host.
func (c *Client) Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error) {
	return ask[*ns.Descriptor](ctx, c, describe, p, nil)
}

// Negotiate implements core.Host.
func (c *Client) Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error) {
	return ask[*ns.Offer](ctx, c, negotiate, p, req)
}

// Hook implements core.Host.
func (c *Client) Hook(ctx context.Context, p find.Plugin, req *ns.HookRequest) (*ns.HookReply, error) {
	return ask[*ns.HookReply](ctx, c, hook, p, req)
}

// Check implements core.Host.
func (c *Client) Check(ctx context.Context, p find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error) {
	return ask[[]ns.Diagnostic](ctx, c, check, p, facts)
}

// Digest implements core.Host.
func (c *Client) Digest(ctx context.Context, p find.Plugin) (string, error) {
	return ask[string](ctx, c, digest, p, nil)
}

// Review implements core.Host.
func (c *Client) Review(ctx context.Context, p find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	return ask[*ns.ReviewReply](ctx, c, review, p, req)
}

// Config has the plugin host read configuration files. With an error it returns what could
// be read of them.
func (c *Client) Config(ctx context.Context, sources []config.Source) ([]config.File, error) {
	return ask[[]config.File](ctx, c, configure, find.Plugin{}, sources)
}

// Close ends the conversation, upon which the plugin host stops its plugins and
// exits. It doesn't wait for that.
func (c *Client) Close() error { return c.conn.Close() }

// ask makes a call and decodes its result.
func ask[T any](ctx context.Context, c *Client, method string, p find.Plugin, arg any) (result T, err error) {
	text, err := json.Marshal(arg)
	if err != nil {
		return result, err
	}
	a, err := c.exchange(ctx, call{Method: method, Plugin: p, Arg: text})
	if err != nil {
		return result, &ns.Diagnostic{
			Summary: "the plugin host is gone: " + err.Error(),
			Detail:  "nsrun-host, the process that talks to plugins, was killed or crashed",
			Hint:    "read what it said above; --debug shows more",
		}
	}
	var errs []error
	for i := range a.Errors {
		errs = append(errs, &a.Errors[i])
	}
	if a.Result != nil {
		errs = append(errs, json.Unmarshal(a.Result, &result))
	}
	return result, errors.Join(errs...)
}

// patience is how long the plugin host may take to give up a call. It kills the
// plugin for that, which takes it no longer than a second and a half.
const patience = 3 * time.Second

// exchange sends a call and waits for its answer. When ctx ends first, it tells
// the host to give up the call and waits for that, so that nothing of the call
// still happens when it returns.
func (c *Client) exchange(ctx context.Context, m call) (answer, error) {
	reply, err := c.register(&m)
	if err != nil {
		return answer{}, err
	}
	if err := c.send(m); err != nil {
		c.fail(err)
	}
	done := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case a, ok := <-reply:
			if !ok {
				return answer{}, c.reason()
			}
			return a, nil
		case <-done:
			done, late = nil, time.After(patience)
			if err := c.send(call{ID: m.ID, Method: cancel}); err != nil {
				c.fail(err)
			}
		case <-late:
			return answer{}, errors.New("it doesn't give up the call")
		}
	}
}

func (c *Client) register(m *call) (chan answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return nil, c.broken
	}
	c.last++
	m.ID = c.last
	reply := make(chan answer, 1)
	c.pending[m.ID] = reply
	return reply, nil
}

func (c *Client) readAnswers() {
	for {
		var a answer
		if err := c.receive(&a); err != nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		reply := c.pending[a.ID]
		delete(c.pending, a.ID)
		c.mu.Unlock()
		if reply != nil {
			reply <- a
		}
	}
}

// fail ends all calls under way and all that come.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.broken = err
	}
	for id, reply := range c.pending {
		delete(c.pending, id)
		close(reply)
	}
}

func (c *Client) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}
