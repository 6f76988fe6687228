// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/core/find"
)

// envVictim makes the test binary a plugin host, to be killed: the paths of the
// plugins that it starts, with commas.
const (
	envVictim    = "NSRUN_HOST_TEST_VICTIM"
	envVictimDir = "NSRUN_HOST_TEST_DIR"
)

// victim starts its plugins, says so, and waits to be killed.
func victim() {
	dir := os.Getenv(envVictimDir)
	h, err := New(Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	for path := range strings.SplitSeq(os.Getenv(envVictim), ",") {
		p, err := find.Find(path, find.Dirs{UID: os.Geteuid()})
		if err == nil {
			_, err = h.Describe(context.Background(), p)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("started")
	select {}
}

// TestPluginsDieWithTheHost kills a host and looks for its plugins, and for what
// they have started.
func TestPluginsDieWithTheHost(t *testing.T) {
	dir, err := os.MkdirTemp("", "nsrun-h-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envVictim+"="+bad(t, "good").Path+","+bad(t, "deaf").Path, envVictimDir+"="+dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if n := len(processes(dir)); line != "started\n" || n != 2 {
		t.Errorf("host says %q and has %d plugins", line, n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	wantNoProcess(t, dir)
}
