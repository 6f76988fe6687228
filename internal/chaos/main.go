// SPDX-License-Identifier: Apache-2.0

// Command chaos kills runs and says what they leave: make chaos. It kills nsrun, its
// plugins, init and reaper at random moments, at once or one after the other, and those
// that would settle the rest; it kills each process at one system call after the other, and
// has system calls fail, as root and as an ordinary user; and it kills bubblewrap and runc
// as well. It does so in several private hosts side by side, since most of its time is
// waiting. With -soak it kills nobody, and says what grows with runs: make soak. With -rest
// it keeps sandboxes alive, and says what grows with time: make at-rest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// config is what the command line says.
type config struct {
	kills     int           // random kills of each victim in each way
	crowd     int           // runs at once on a small pool of addresses; 0 for none
	step      int           // every how many system calls; 0 for none
	soak      int           // runs of each victim that nobody disturbs, instead of all else; 0 for none
	rest      time.Duration // how long sandboxes are kept alive, instead of all else; 0 for none
	sandboxes int           // that rest
	peers     bool          // also bubblewrap and runc
	only      string        // victims whose name contains this
	ways      string        // ways whose name contains this
	seed      uint64
}

func run() error {
	var c config
	host := flag.String("host", "", "be the private host of this name, which gets its work by its standard input")
	hosts := flag.Int("hosts", 2*runtime.NumCPU(), "private hosts side by side")
	verbose := flag.Bool("v", false, "also print what is left after 2 s")
	flag.Uint64Var(&c.seed, "seed", rand.Uint64(), "of the random moments")
	flag.IntVar(&c.kills, "kills", 30, "random kills of each victim in each way")
	flag.IntVar(&c.crowd, "crowd", 100, "runs at once on a small pool of addresses; 0 for none")
	flag.IntVar(&c.step, "step", 25, "kill at, and fail, every so many system calls; 0 for none")
	flag.IntVar(&c.soak, "soak", 0, "kill nobody: so many runs of each victim one after the other, and what grows with them")
	flag.DurationVar(&c.rest, "rest", 0, "kill nobody: keep sandboxes alive for so long, and what grows with time")
	flag.IntVar(&c.sandboxes, "sandboxes", 200, "how many with -rest, of each of four kinds as many")
	flag.BoolVar(&c.peers, "peers", true, "do the same to bubblewrap and runc")
	flag.StringVar(&c.only, "only", "", "only victims whose name contains this")
	flag.StringVar(&c.ways, "way", "", "only ways whose name contains this")
	flag.Parse()
	if *host != "" {
		return serve(*host)
	}
	if c.rest > 0 && c.soak > 0 {
		return errors.New("-rest and -soak exclude each other")
	}
	remove, err := keepPrograms()
	if err != nil {
		return err
	}
	defer remove()
	if c.rest > 0 {
		return restAll(c)
	}
	fmt.Printf("seed %d, %d private hosts side by side\n", c.seed, *hosts)
	if c.soak > 0 {
		return soakAll(c, *hosts)
	}
	t := &table{out: os.Stdout, verbose: *verbose}
	t.header()
	err = t.fill(c.jobs(), *hosts)
	t.close()
	return errors.Join(err, t.verdict())
}
