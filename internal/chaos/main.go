// SPDX-License-Identifier: Apache-2.0

// Command chaos kills runs and says what they leave: make chaos. It kills nsrun, its
// plugins, init and reaper at random moments, and those that would settle the rest; it
// kills each process at one system call after the other, and has system calls fail, as
// root and as an ordinary user; and it kills bubblewrap and runc as well. It runs in a private host (scripts/chaos).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"text/tabwriter"
)

func main() {
	if os.Getpid() == 1 {
		os.Exit(reign())
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// reign is the life of the first process of the private host: it takes in what
// dies without a parent, so that no zombie looks like a survivor.
func reign() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if pid == cmd.Process.Pid && err == nil {
			return status.ExitStatus()
		}
	}
}

// config is what the command line says.
type config struct {
	kills int    // random kills of each victim in each way
	crowd int    // runs at once on a small pool of addresses; 0 for none
	step  int    // every how many system calls; 0 for none
	peers bool   // also bubblewrap and runc
	only  string // victims whose name contains this
	ways  string // ways whose name contains this
}

func run() error {
	var c config
	seed := flag.Uint64("seed", rand.Uint64(), "of the random moments")
	verbose := flag.Bool("v", false, "also print what is left after 2 s")
	flag.IntVar(&c.kills, "kills", 30, "random kills of each victim in each way")
	flag.IntVar(&c.crowd, "crowd", 100, "runs at once on a small pool of addresses; 0 for none")
	flag.IntVar(&c.step, "step", 25, "kill at, and fail, every so many system calls; 0 for none")
	flag.BoolVar(&c.peers, "peers", true, "do the same to bubblewrap and runc")
	flag.StringVar(&c.only, "only", "", "only victims whose name contains this")
	flag.StringVar(&c.ways, "way", "", "only ways whose name contains this")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	p, err := prepare()
	if err != nil {
		return err
	}
	k := &killer{rand: rand.New(rand.NewPCG(*seed, 0)), verbose: *verbose}
	var rows []row
	for _, v := range p.victims(c) {
		r, err := k.torment(v, c)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		rows = append(rows, r...)
	}
	if v := pool(); c.crowd > 0 && strings.Contains(v.name, c.only) {
		r, err := k.overcrowd(v, c.crowd)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		rows = append(rows, r)
	}
	print(os.Stdout, rows)
	return verdict(rows)
}

// row is a line of the table: what one way of killing did to one victim.
type row struct {
	victim, way string
	ours        bool
	kills       int
	reached     int      // runs that it hit before they ended by themselves
	survivors   int      // processes 2 s after
	late        int      // things left 2 s after
	left        int      // things left after the next start
	hangs       int      // runs that had to be ended after the patience
	examples    []string // of what was left at last
}

func print(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "victim\tway\tkills\thit\tsurvivors\tleaks after 2 s\tafter the next start\thangs\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.victim, r.way, r.kills, r.reached, r.survivors, r.late, r.left, r.hangs)
	}
	t.Flush()
	for _, r := range rows {
		for _, e := range r.examples {
			fmt.Fprintf(w, "%s, %s: left %s\n", r.victim, r.way, e)
		}
	}
}

// verdict is an error if nsrun left anything for good, or hung. What is left for
// a moment is printed only, since it depends on the machine's load.
func verdict(rows []row) error {
	var errs []error
	for _, r := range rows {
		if r.ours && r.left+r.hangs > 0 {
			errs = append(errs, fmt.Errorf("%s, %s: %d things left after the next start, %d runs hung", r.victim, r.way, r.left, r.hangs))
		}
	}
	return errors.Join(errs...)
}

func words(s string) []string { return strings.Fields(s) }
