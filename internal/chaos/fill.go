// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// event is what a host says of a job: a tally of some runs, or that it is done, or why
// it isn't.
type event struct {
	job  job
	more *tally
	err  error
}

// beat is how often the table says how far it has come.
const beat = 10 * time.Second

// fill has so many private hosts do the jobs. It returns early if the user interrupts
// it, or if no host is left to work; what has been counted stays.
func (t *table) fill(jobs []job, hosts int) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	t.expect(jobs)
	todo, events := make(chan job, len(jobs)), make(chan event)
	for _, j := range jobs {
		todo <- j
	}
	close(todo)
	hosts = min(hosts, len(jobs))
	ended := make(chan error)
	for i := range hosts {
		go func() { ended <- employ(ctx, fmt.Sprintf("chaos-%d-%d-", os.Getpid(), i), todo, events) }()
	}
	err := t.watch(events, ended, hosts)
	return errors.Join(err, context.Cause(ctx))
}

// watch takes what the hosts say, until the last of them has ended.
func (t *table) watch(events <-chan event, ended <-chan error, hosts int) error {
	pulse := time.NewTicker(beat)
	defer pulse.Stop()
	var errs []error
	for hosts > 0 {
		select {
		case e := <-events:
			errs = append(errs, t.take(e))
		case err := <-ended:
			errs = append(errs, err)
			hosts--
		case <-pulse.C:
			if t.look == nil {
				fmt.Fprintln(os.Stderr, t.progress())
			}
		}
	}
	return errors.Join(errs...)
}

// take takes what a host says of a job.
func (t *table) take(e event) error {
	switch {
	case e.err != nil:
		err := fmt.Errorf("%s, %s: %w", e.job.Victim, e.job.Way, e.err)
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return err
	case e.more != nil:
		t.add(e.job, *e.more)
	default:
		t.done(e.job)
	}
	return nil
}
