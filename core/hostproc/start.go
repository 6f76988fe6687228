// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// The plugin host's descriptors and arguments.
const (
	// ConnFD is where nsrun-host finds its end of the socketpair.
	ConnFD = 3
	// DebugArg makes nsrun-host log to its standard error.
	DebugArg = "--debug"
)

// Start starts nsrun-host, which keeps the sockets of plugins below dir, and
// returns the client. The plugin host gets SIGKILL when the calling thread ends
// (prctl(2)), which in Go is when the process does: no goroutine here is locked
// to a thread and ends.
func Start(dir string, debug bool) (*Client, error) {
	path, err := locate()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, &ns.Diagnostic{Summary: "start the plugin host: socketpair: " + err.Error()}
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "plugin host"), os.NewFile(uintptr(pair[1]), "front")
	defer theirs.Close()
	if err := spawn(path, dir, debug, theirs); err != nil {
		ours.Close()
		return nil, &ns.Diagnostic{Summary: "start the plugin host " + path + ": " + err.Error(), Hint: "reinstall nsrun: make install"}
	}
	return NewClient(ours), nil
}

func spawn(path, dir string, debug bool, conn *os.File) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	args := []string{path, dir}
	if debug {
		args = append(args, DebugArg)
	}
	p, err := os.StartProcess(path, args, &os.ProcAttr{
		// Its standard output is ours of errors: nsrun's own belongs to the command.
		Files: []*os.File{null, os.Stderr, os.Stderr, conn},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	return p.Release()
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
