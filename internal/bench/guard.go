// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// guardRounds is enough for a median that doesn't move by more than a few percent.
const guardRounds = 120

// slower is the ratio to the older build from which on the guard fails.
const slower = 1.10

// guard compares two builds of nsrun: bench guard BIN OLDER-BIN.
func guard(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("guard: want BIN OLDER-BIN")
	}
	c := Case{Name: "start of this build and of an older one", Rounds: guardRounds}
	for i, label := range []string{"this", "older"} {
		bin, err := filepath.Abs(args[i])
		if err != nil {
			return err
		}
		c.Commands = append(c.Commands, place{nsrun: filepath.Join(bin, "nsrun")}.start(label, four))
	}
	r, err := c.measure(0)
	if err != nil {
		return err
	}
	printResult(os.Stdout, r)
	if ratio := r.Rows[1].Ratio; ratio > slower {
		return fmt.Errorf("a start takes %.2f of what it took, more than %.2f", ratio, slower)
	}
	return nil
}
