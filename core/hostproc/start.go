// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/internal/inherit"
	"github.com/nsrun/nsrun/ns"
)

// ConnFD is where nsrun-host finds its end of the socketpair.
const ConnFD = 3

// start starts the nsrun-host at path and returns its client. The plugin host
// ends when this process does, however that comes about, unless it is to stay.
func start(path string, o Options) (*Client, error) {
	inherit.ToRuntime() // from here on there is more than one thread with something to do
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, &ns.Diagnostic{Summary: "start the plugin host: " + err.Error()}
	}
	defer theirs.Close()
	started := make(chan error)
	go run(path, o, theirs, started)
	if err := <-started; err != nil {
		ours.Close()
		return nil, &ns.Diagnostic{Summary: "start the plugin host " + path + ": " + err.Error(), Hint: "reinstall nsrun: make install"}
	}
	return NewClient(ours), nil
}

// socketpair returns both ends of a conversation. Ours doesn't block, so that Go
// waits for it in its poller: closing a file while a read of it blocks would
// leave it open until the read returns, which is never.
func socketpair() (ours, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(pair[0]), "plugin host"), os.NewFile(uintptr(pair[1]), "front"), nil
}

// run starts the plugin host and reaps it, on a thread of its own: the
// parent-death signal comes when the thread that forked ends (prctl(2),
// PR_SET_PDEATHSIG), so it must live as long as the plugin host does.
func run(path string, o Options, conn *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	inherit.ToThread()
	p, err := spawn(path, o, conn)
	started <- err
	if err == nil {
		_, _ = p.Wait() // how it ended shows in the calls
	}
}

func spawn(path string, o Options, conn *os.File) (*os.Process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	// Not SIGKILL: the kernel would kill the plugin host and by that its
	// plugins, but not what they have started. nsrun-host kills their groups.
	sys := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if o.Stays() {
		sys = &syscall.SysProcAttr{Setsid: true} // its terminal may go before it does
	}
	return os.StartProcess(path, append([]string{path}, o.args()...), &os.ProcAttr{
		// Its standard output is ours of errors: nsrun's own belongs to the command.
		Files: []*os.File{null, os.Stderr, os.Stderr, conn},
		Sys:   sys,
	})
}

// places are where nsrun-host may lie, seen from the directory of nsrun: where
// it is installed, and beside it in a build tree.
var places = []string{"../libexec/nsrun/nsrun-host", "nsrun-host"}

// locate returns the path of nsrun-host.
func locate() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", &ns.Diagnostic{Summary: "find the plugin host: " + err.Error(), Hint: "mount /proc"}
	}
	var tried []string
	for _, place := range places {
		path := filepath.Join(filepath.Dir(self), place)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
		tried = append(tried, path)
	}
	return "", &ns.Diagnostic{Summary: "find the plugin host: neither " + tried[0] + " nor " + tried[1] + " exists", Hint: "reinstall nsrun: make install"}
}
