// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/internal/wire"
)

// starts are what happens before the handshake. A mode whose function returns
// serves afterwards.
var starts = map[string]func(){
	"exit0": func() { os.Exit(0) },
	"exit127": func() {
		fmt.Fprintln(os.Stderr, "cannot load libfoo.so")
		os.Exit(127)
	},
	"panic-early": func() { panic("no luck today") },
	"segv-early":  func() { crash() },
	"banner":      func() { fmt.Println("welcome to badplugin") },
	"escape":      func() { fmt.Println("\x1b[2Jcleared") },
	"json": func() {
		fmt.Fprintln(os.Stderr, `{"@message": 5, "@level": [], "@timestamp": {}}`)
	},
	"flood-early": func() {
		for range 3000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("x", 1000))
		}
	},
	"daemon":      daemon,
	"daemon-exit": func() { daemon(); os.Exit(3) },
	"byhand": func() {
		// It pretends to itself that it was asked.
		must(os.Setenv(wire.CookieKey, wire.CookieValue))
	},
	"deaf": func() { signal.Ignore(syscall.SIGTERM, syscall.SIGHUP) },
}

// watchLifeline ends the process group when nsrun is gone.
func watchLifeline() {
	fd, err := strconv.Atoi(os.Getenv(wire.EnvLifeline))
	if err != nil {
		return
	}
	syscall.CloseOnExec(fd)
	_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
	_ = syscall.Kill(0, syscall.SIGKILL)
}

// daemon starts one that holds standard output and error, and ignores what can
// be ignored.
func daemon() {
	cmd := exec.Command("/bin/sh", "-c", "trap '' HUP INT TERM; sleep 600 & wait")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// crash ends the process by signal 11. The Go runtime makes something else of
// it, a shell doesn't.
func crash() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	err := syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -SEGV $$"}, os.Environ())
	panic(err)
}

// sleep sleeps for ever. An empty select would be a deadlock to the Go runtime.
func sleep() {
	for {
		time.Sleep(time.Hour)
	}
}
