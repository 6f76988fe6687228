// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// The crowd: so many sandboxes are alive at once, of which so many start at a time.
const (
	crowd     = 16
	longCrowd = 200
	atATime   = 8
)

// TestCrowdOnOneBridge has many sandboxes on one bridge. Each has an address of its
// own, each reaches every other and is reached by its published port, and nothing is
// left of them.
func TestCrowdOnOneBridge(t *testing.T) {
	requireRoot(t)
	count := crowd
	if long() {
		count = longCrowd
	}
	for _, plugin := range []string{"net", "net=native"} {
		t.Run(plugin, func(t *testing.T) {
			host := newAlone(t)
			// Makes the bridge and the tables that all share, and warms the cache.
			host.run(t, "nsrun --plugins pid,"+plugin+",mount -p 18999:80 true")
			before := host.run(t, snapshot)
			all := make([]*guest, count)
			took := stopwatch(t, count)
			each(t, count, func(i int) (err error) {
				all[i], err = host.admit(plugin, i)
				return err
			})
			took("started")
			checkAddresses(t, all)
			each(t, count, func(i int) error { return all[i].meet(all[i+1:]) })
			took("met each other")
			host.run(t, "meet ask "+published(all))
			took("were reached by their ports")
			each(t, count, func(i int) error { return all[i].leave() })
			took("ended")
			if after := host.run(t, snapshot); after != before {
				t.Errorf("left:\n%s\n--- want ---\n%s", after, before)
			}
		})
	}
}

// each calls f for 0 to n-1, some at a time, and fails the test with all that is wrong.
func each(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs, turns := make([]error, n), make(chan struct{}, atATime)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			errs[i] = f(i)
			<-turns
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// stopwatch logs how long each part took since the one before.
func stopwatch(t *testing.T, count int) func(part string) {
	last := time.Now()
	return func(part string) {
		t.Logf("%d sandboxes %s in %v", count, part, time.Since(last).Round(time.Millisecond))
		last = time.Now()
	}
}

// guest is a sandbox of the crowd, in which the program meet serves.
type guest struct {
	name, address string
	port          int
	cmd           *exec.Cmd
	in            io.WriteCloser
	out           *bufio.Reader
	stderr        bytes.Buffer
}

// admit starts a sandbox and waits until it says where it is.
func (a *alone) admit(plugin string, i int) (*guest, error) {
	g := &guest{name: fmt.Sprint("guest", i), port: 18000 + i}
	g.cmd = a.command(fmt.Sprintf("exec nsrun --plugins pid,%s,mount --name %s -p %d:80 meet serve %s", plugin, g.name, g.port, g.name))
	g.cmd.Stderr = &g.stderr
	var err error
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.out = bufio.NewReader(out)
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	g.address, err = g.says()
	return g, err
}

// says returns the next line that the sandbox prints.
func (g *guest) says() (string, error) {
	line, err := g.out.ReadString('\n')
	if err != nil {
		_ = g.cmd.Wait()
		return "", fmt.Errorf("%s: %w: %s", g.name, err, g.stderr.String())
	}
	return strings.TrimSpace(line), nil
}

// meet has the sandbox ask all others for their names.
func (g *guest) meet(others []*guest) error {
	whom := make([]string, len(others))
	for i, o := range others {
		whom[i] = o.address + ":80=" + o.name
	}
	fmt.Fprintln(g.in, strings.Join(whom, " "))
	said, err := g.says()
	if err == nil && said != "ok" {
		err = fmt.Errorf("%s, %s: %s", g.name, g.address, said)
	}
	return err
}

// leave ends the sandbox.
func (g *guest) leave() error {
	g.in.Close()
	if err := g.cmd.Wait(); err != nil || g.stderr.Len() > 0 {
		return fmt.Errorf("%s: %w: %s", g.name, err, g.stderr.String())
	}
	return nil
}

func checkAddresses(t *testing.T, all []*guest) {
	t.Helper()
	seen := map[string]string{}
	for _, g := range all {
		if other := seen[g.address]; other != "" {
			t.Errorf("%s and %s both have %s", other, g.name, g.address)
		}
		seen[g.address] = g.name
	}
}

// published are the host's ports of all, as meet takes them.
func published(all []*guest) string {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintf(&b, "127.0.0.1:%d=%s ", g.port, g.name)
	}
	return b.String()
}
