// SPDX-License-Identifier: Apache-2.0

// Command bench times whole processes of nsrun beside its peers, in turn and in
// one run, and prints medians and ratios: make bench. As "bench batch" and "bench
// cni" it is one of the processes that it times; "bench guard" compares two builds.
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
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start() error {
	modes := map[string]func([]string) error{"batch": batch, "cni": bareCNI, "guard": guard}
	if len(os.Args) > 1 && modes[os.Args[1]] != nil {
		return modes[os.Args[1]](os.Args[2:])
	}
	bin := flag.String("bin", "bin", "directory of the built binaries")
	out := flag.String("out", "", "directory for bench.json and bench.svg; none if empty")
	rounds := flag.Int("n", 40, "counted runs of each command")
	only := flag.String("only", "", "only the cases whose name contains this")
	flag.Parse()
	return run(*bin, *out, *rounds, *only)
}

func run(bin, out string, rounds int, only string) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	p, cleanUp, err := prepare(bin)
	if err != nil {
		return err
	}
	defer cleanUp()
	report := Report{Machine: machineFacts()}
	add := func(name string, measure func() (Result, error)) error {
		if !strings.Contains(name, only) {
			return nil
		}
		r, err := measure()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		printResult(os.Stdout, r)
		report.Results = append(report.Results, r)
		return nil
	}
	for _, c := range p.cases() {
		if err := add(c.Name, func() (Result, error) { return c.measure(rounds) }); err != nil {
			return err
		}
	}
	const last = "the 1,000th run beside the first"
	if err := add(last, func() (Result, error) { return series(last, 1000, p.start("", four).Argv) }); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	return write(out, report)
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
