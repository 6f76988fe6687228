// SPDX-License-Identifier: Apache-2.0

// Command bench times whole processes of nsrun beside its peers, in turn and in
// one run, and prints medians and ratios: make bench.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	bin := flag.String("bin", "bin", "directory of the built binaries")
	out := flag.String("out", "", "directory for bench.json and bench.svg; none if empty")
	rounds := flag.Int("n", 40, "counted runs of each command")
	only := flag.String("only", "", "only the cases whose name contains this")
	flag.Parse()
	if err := run(*bin, *out, *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(bin, out string, rounds int, only string) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	cases, cleanUp, err := prepare(bin)
	if err != nil {
		return err
	}
	defer cleanUp()
	var results []Result
	for _, c := range cases {
		if !strings.Contains(c.Name, only) {
			continue
		}
		r, err := c.measure(rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		printResult(os.Stdout, r)
		results = append(results, r)
	}
	if out == "" {
		return nil
	}
	return write(out, Report{Machine: machineFacts(), Results: results})
}

// Report is what a whole run of the benchmark found.
type Report struct {
	Machine map[string]string `json:"machine"`
	Results []Result          `json:"results"`
}

func write(dir string, r Report) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bench.svg"), chart(r), 0o644)
}
