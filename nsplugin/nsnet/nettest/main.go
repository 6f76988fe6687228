// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Backend is what the tests call of a plugin.
type Backend interface {
	Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error)
	PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error)
	PostExec(ctx context.Context, req *ns.HookRequest) error
}

// Options are those that the tests need of a backend.
type Options struct {
	nsnet.SubnetOption
	nsnet.PublishOption
	nsnet.AddressOptions
	nsnet.MACOption
	nsnet.MTUOption
	nsnet.NameOptions
	nsnet.BandwidthOption
}

// Kit is a backend under test.
type Kit struct {
	// New returns the backend with the given options. Required.
	New func(Options) Backend
	// Subnet is the default network, and Device its bridge. Required.
	Subnet, Device string
	// Prepare makes what the tests need, such as programs, before the private host is
	// made, and returns how to undo it. Optional.
	Prepare func() (undo func(), err error)
}

// Variables that tell a process of the tests what it is.
const (
	envPrivate = "NSRUN_TEST_PRIVATE_HOST" // why there is no private host, or "yes"
	envHelper  = "NSRUN_TEST_NET_HELPER"   // the process attaches a sandbox, and is killed
)

// Main runs a package's tests in a private host: this test binary once more, in new
// network, mount and PID namespaces, with an empty /run. Where there can be none,
// the tests that need one skip. It returns the exit status.
func Main(m *testing.M, kit Kit) int {
	if os.Getenv(envHelper) != "" {
		return helper(kit)
	}
	switch os.Getenv(envPrivate) {
	case "":
		return runPrivately(m, kit)
	case "yes":
		if err := furnish(); err != nil {
			fmt.Fprintln(os.Stderr, "private host:", err)
			return 1
		}
	}
	return m.Run()
}

// runPrivately runs all tests in a private host, or here if there can be none.
func runPrivately(m *testing.M, kit Kit) int {
	if os.Geteuid() != 0 {
		os.Setenv(envPrivate, "needs root")
		return m.Run()
	}
	if kit.Prepare != nil {
		undo, err := kit.Prepare()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer undo()
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), envPrivate+"=yes")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the parent-death signal is sent when the thread ends
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.Is(err, unix.EPERM):
		os.Setenv(envPrivate, "no new namespaces here: "+err.Error())
		return m.Run()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// furnish makes the private host's own /run and /proc.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	for _, m := range []struct{ typ, dir string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/run"}, {"tmpfs", "/var/lib"}} {
		if err := unix.Mount(m.typ, m.dir, m.typ, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("set lo up: %w: %s", err, out)
	}
	// The net package looks once whether there is IPv6, wherever it is used first: in a
	// sandbox whose lo is down there would be none.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return l.Close()
}

// told is what a helper reads.
type told struct {
	Options Options
	Request *ns.HookRequest
}

// helper attaches a sandbox, as told on standard input.
func helper(kit Kit) int {
	var t told
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if _, err := kit.New(t.Options).PreExec(context.Background(), t.Request); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
