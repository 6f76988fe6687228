// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// While runs start, somebody swaps directories of their root for links that
// lead out of it; compare the kernel's tools/testing/selftests/openat2.
func TestSwappingLinksInARootDirectoryDoesNotLeadOut(t *testing.T) {
	needRoot(t)
	unchanged(t)
	canary := makeTree(t, "etc/", "file = intact")
	up := strings.Repeat("../", 20) + canary[1:]
	root, steps := newRoot(t, "x/", "x/etc/", "x/file = root's", "y -> "+up)
	steps = append(steps,
		ns.Step{Op: ns.OpMkdir, Target: "/x/made/here"}, bind("/usr/bin", "/x/etc"),
		ns.Step{Op: ns.OpFile, Target: "/x/file", Data: "overwritten"}, bind("/usr/bin/env", "/x/new/env"),
		ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/x/tmp"}, pivot)
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		swap(t, filepath.Join(root, "x"), filepath.Join(root, "y"), stop)
	}()
	for range 100 {
		_, stderr, status := newRun(t, mounts(steps...), sh("true")...).result(t)
		if status != 0 && status != 125 {
			t.Errorf("status %d: %s", status, stderr)
		}
	}
	close(stop)
	<-stopped
	if got := list(t, canary); got != "etc file=intact" {
		t.Errorf("the canary has %s", got)
	}
}

func swap(t *testing.T, a, b string, stop chan bool) {
	for {
		select {
		case <-stop:
			return
		default:
			if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
				t.Error(err)
				return
			}
		}
	}
}
