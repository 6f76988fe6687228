// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// rest is sandboxes that are alive at once and do nothing, of each kind as many: what the
// host has of each thing must not grow with time, and nothing may be left when they end. All
// are on one host, since the share of a page that counts as a process's memory depends on how
// many others have it.
type rest struct{ kinds []victim }

// restAll has sandboxes rest, and prints what the host has at every look and at the end.
func restAll(c config) error {
	look := func(s sample) { fmt.Printf("after %d s: %s\n", s.At, s) }
	return resting.watch(&table{look: look}, c.jobs(), 1)
}

func (rest) name() string { return "rest" }

const (
	// looks is how often the host is looked at after the first time.
	looks = 12
	// calm is how long sandboxes have after their start to give back what they needed
	// for it.
	calm = 5 * time.Second
)

func (r rest) torment(k *killer, _ victim, j job) error {
	for _, v := range r.kinds {
		if err := k.prepareFor(v); err != nil {
			return err
		}
	}
	all, err := k.settleDown(r.kinds, j.Times)
	if err == nil {
		err = k.lookAfter(all, j.Rest)
	}
	if err := errors.Join(err, k.wake(all)); err != nil {
		return err
	}
	left, err := k.settled(patience)
	if len(left) > 0 {
		err = fmt.Errorf("%d things left of %d sandboxes, such as %v", len(left), j.Times, left[:min(len(left), 3)])
	}
	return err
}

// settleDown starts so many sandboxes, one as soon as the command of the one before is there.
func (k *killer) settleDown(kinds []victim, count int) (all []*attempt, err error) {
	for i := range count {
		v := kinds[i%len(kinds)]
		a, err := hear(v.command(v.argv(k.id(), "sh", "-c", "echo up; exec sleep infinity")))
		if err != nil {
			return all, err
		}
		all = append(all, a)
	}
	time.Sleep(calm)
	return all, nil
}

// lookAfter looks at the host for so long, at the beginning and then in equal distances.
func (k *killer) lookAfter(all []*attempt, d time.Duration) error {
	begin := time.Now()
	for i := range looks + 1 {
		at := time.Duration(i) * d / looks
		time.Sleep(time.Until(begin.Add(at)))
		for _, a := range all {
			if a.endsWithin(0) {
				return fmt.Errorf("sandbox %d has ended: %w", a.pid(), a.err)
			}
		}
		if err := k.sample(int(at.Seconds())); err != nil {
			return err
		}
	}
	return nil
}

// wake ends the sandboxes, and waits for that.
func (k *killer) wake(all []*attempt) error {
	for _, a := range all {
		_ = a.cmd.Process.Signal(syscall.SIGTERM)
	}
	var t tally
	for _, a := range all {
		_ = a.outlast(patience, &t)
	}
	if t.Hangs > 0 {
		return fmt.Errorf("%d of %d sandboxes hung after SIGTERM", t.Hangs, len(all))
	}
	return nil
}
