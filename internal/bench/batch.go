// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"sync"
)

// batch runs a command n times, so many at a time: bench batch N AT-A-TIME CMD...
func batch(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("batch: want N AT-A-TIME COMMAND")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	atATime, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	turns, failed := make(chan int, n), make(chan error, n)
	for i := range n {
		turns <- i
	}
	close(turns)
	var workers sync.WaitGroup
	for range atATime {
		workers.Go(func() {
			for range turns {
				if out, err := exec.Command(args[2], args[3:]...).CombinedOutput(); err != nil {
					failed <- fmt.Errorf("%w\n%s", err, out)
				}
			}
		})
	}
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
