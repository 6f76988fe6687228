// SPDX-License-Identifier: Apache-2.0

// Command front is the smallest program that starts a command in namespaces with
// package stage. BenchmarkWholeProcess measures it beside other tools.
package main

import (
	"os"
	"runtime"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

func init() { runtime.LockOSThread() } // as package stage demands

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		println("front:", err.Error())
		os.Exit(125)
	}
	os.Exit(status)
}

func run(argv []string) (int, error) {
	kinds := []ns.Kind{ns.PID, ns.IPC, ns.UTS, ns.Mount}
	child, err := stage.Start(kinds)
	if err != nil {
		return 0, err
	}
	prog, err := stage.Compile(stage.Config{
		Kinds: kinds, Cwd: "/", Command: stage.Command{Argv: argv, Env: os.Environ(), NoNewPrivs: true},
		Steps: []ns.PlannedStep{
			{Plugin: "mount", Step: ns.Step{Op: ns.OpPropagation, Target: "/", Data: "private"}},
			{Plugin: "mount", Step: ns.Step{
				Op: ns.OpMount, FSType: "proc", Target: "/proc", Attrs: []ns.Attr{ns.NoSUID, ns.NoDev, ns.NoExec},
			}},
			{Plugin: "pid", Step: ns.Step{Op: ns.OpInit}},
		},
	})
	if err != nil {
		return 0, err
	}
	child.Load(prog)
	if err := child.Release(); err != nil {
		return 0, err
	}
	return child.Wait(func() {})
}
