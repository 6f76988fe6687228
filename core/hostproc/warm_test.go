// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// These tests keep real plugin hosts and plugins warm. bad-pid answers with its
// process id, bad-hang never.
func TestKeepWarm(t *testing.T) {
	dir := binaries(t)
	for _, name := range []string{"bad-pid", "bad-hang"} {
		if err := os.Symlink("badplugin", filepath.Join(dir, ns.BinaryPrefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	w := warmTest{dir, filepath.Join(dir, "nsrun-host")}
	for name, test := range map[string]func(*testing.T){
		"the next client gets the same plugin": w.reused,
		"a client has a plugin host alone":     w.alone,
		"a call given up befalls nobody else":  w.givenUp,
		"a killed one is replaced":             w.killed,
		"another environment, another one":     w.otherKey,
		"nothing of a client stays open":       w.closed,
	} {
		t.Run(name, func(t *testing.T) {
			test(t)
			w.endAll(t)
		})
	}
	t.Run("it ends by itself", w.ends)
}

type warmTest struct{ dir, program string }

func (w warmTest) open(t *testing.T, d time.Duration) *Client {
	t.Helper()
	c, err := open(w.program, Options{Dir: w.dir, KeepWarm: d})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pid returns the process id of the plugin that c's plugin host runs.
func (w warmTest) pid(t *testing.T, c *Client) int {
	t.Helper()
	offer, err := c.Negotiate(context.Background(), w.plugin(t, "bad-pid"), &ns.Request{Plugin: "bad-pid"})
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(offer.Env[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func (w warmTest) plugin(t *testing.T, name string) find.Plugin {
	t.Helper()
	p, err := find.Find(filepath.Join(w.dir, ns.BinaryPrefix+name), find.Dirs{UID: os.Geteuid()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// await waits until n plugin hosts wait for a client.
func (w warmTest) await(t *testing.T, n int) []string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		names, _ := filepath.Glob(filepath.Join(warmDir(w.dir), "*[0-9]"))
		if len(names) == n {
			return names
		}
		if time.Now().After(end) {
			t.Fatalf("these wait: %v, want %d", names, n)
		}
	}
}

// endAll tells all plugin hosts to end.
func (w warmTest) endAll(t *testing.T) {
	t.Helper()
	for _, pid := range running(w.dir) {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	wantNone(t, w.dir)
	os.RemoveAll(warmDir(w.dir))
}

func (w warmTest) reused(t *testing.T) {
	c := w.open(t, time.Minute)
	first := w.pid(t, c)
	for range 3 {
		c.Close()
		w.await(t, 1)
		c = w.open(t, time.Minute)
		if again := w.pid(t, c); again != first {
			t.Errorf("the plugin was process %d, and is process %d", first, again)
		}
	}
	c.Close()
	if info, err := os.Stat(w.await(t, 1)[0]); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
}

func (w warmTest) alone(t *testing.T) {
	first := w.open(t, time.Minute)
	one := w.pid(t, first)
	first.Close()
	w.await(t, 1)
	again, second := w.open(t, time.Minute), w.open(t, time.Minute)
	if a, b := w.pid(t, again), w.pid(t, second); a != one || b == one {
		t.Errorf("two clients got the plugins %d and %d; %d was warm", a, b, one)
	}
	again.Close()
	second.Close()
	w.await(t, 2)
}

func (w warmTest) givenUp(t *testing.T) {
	c := w.open(t, time.Minute)
	hanging := make(chan error)
	go func() {
		_, err := c.Negotiate(context.Background(), w.plugin(t, "bad-hang"), &ns.Request{Plugin: "bad-hang"})
		hanging <- err
	}()
	pid := w.pid(t, c)
	c.Close()
	if err := <-hanging; err == nil {
		t.Error("the call has an answer")
	}
	w.await(t, 1)
	next := w.open(t, time.Minute)
	if again := w.pid(t, next); again != pid {
		t.Errorf("the other plugin was process %d, and is process %d", pid, again)
	}
	next.Close()
}

func (w warmTest) killed(t *testing.T) {
	c := w.open(t, time.Minute)
	first := w.pid(t, c)
	c.Close()
	left := w.await(t, 1)[0]
	host := hostOf(t, w.dir)
	if err := syscall.Kill(host, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantNone(t, w.dir)
	for syscall.Kill(host, 0) == nil { // it has closed its files then
		time.Sleep(time.Millisecond)
	}
	next := w.open(t, time.Minute)
	if w.pid(t, next) == first {
		t.Error("a killed plugin answers")
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("the socket of the killed plugin host is still there")
	}
	next.Close()
}

func (w warmTest) otherKey(t *testing.T) {
	c := w.open(t, time.Minute)
	first := w.pid(t, c)
	c.Close()
	w.await(t, 1)
	t.Setenv("LANG", "xx_YY")
	next := w.open(t, time.Minute)
	if w.pid(t, next) == first {
		t.Error("a plugin with another environment answers")
	}
	next.Close()
	w.await(t, 2)
}

func (w warmTest) closed(t *testing.T) {
	r, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 { // as the one that starts it, and as a later one
		stderr := os.Stderr
		os.Stderr = writer
		c := w.open(t, time.Minute)
		os.Stderr = stderr
		w.pid(t, c)
		c.Close()
		w.await(t, 1)
	}
	writer.Close()
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(r); err != nil {
		t.Errorf("the client's standard error is still open: %v", err)
	}
}

func (w warmTest) ends(t *testing.T) {
	c := w.open(t, 100*time.Millisecond)
	w.pid(t, c)
	c.Close()
	wantNone(t, w.dir)
	if left := w.await(t, 0); len(left) > 0 || sockets(w.dir) != 0 {
		t.Errorf("left: %v, %d socket directories", left, sockets(w.dir))
	}
}
