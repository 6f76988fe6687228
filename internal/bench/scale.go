// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// binds are the flags of n binds of one file, onto itself.
func binds(n int, flag string) []string {
	return strings.Fields(strings.Repeat(flag+" /etc/hostname /etc/hostname ", n))
}

// alive returns a Setup that starts n sandboxes, which live until its end.
func alive(n int, argv []string) func() (func(), error) {
	return func() (func(), error) {
		var started []*exec.Cmd
		end := func() {
			for _, p := range started {
				p.Process.Kill()
			}
			for _, p := range started {
				_ = p.Wait()
			}
		}
		for range n {
			p := exec.Command(argv[0], argv[1:]...)
			if err := p.Start(); err != nil {
				end()
				return nil, err
			}
			started = append(started, p)
			time.Sleep(5 * time.Millisecond)
		}
		return end, nil
	}
}

// series runs a command many times and sets the last hundred beside the first.
func series(name string, n int, argv []string) (Result, error) {
	var times []float64
	for i := range n {
		d, err := elapsed(exec.Command(argv[0], argv[1:]...))
		if err != nil {
			return Result{}, errors.Join(fmt.Errorf("run %d", i+1), err)
		}
		times = append(times, d)
	}
	c := Case{Name: name, Commands: []Command{
		{Label: fmt.Sprintf("the last 100 of %d", n)}, {Label: "the first 100", Goal: 1},
	}}
	return c.result([][]float64{times[n-100:], times[:100]}), nil
}
