// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// The tests run in a host of their own, which scripts/private-host makes, so that
// they leave the machine as it was, however they end.
const (
	insideEnv  = "E2E_INSIDE" // no NSRUN_ name, which nsrun would drop
	privateDir = "/mnt"       // a tmpfs in the private host
	binDir     = privateDir + "/bin"
	testUID    = 61000
)

// reExecInPrivateHost runs this test binary again inside the private host and
// returns its exit status.
func reExecInPrivateHost() int {
	if err := errors.Join(build(), buildTestPrograms()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "find the test binary:", err)
		return 1
	}
	args := append([]string{self}, os.Args[1:]...)
	if os.Getuid() == 0 {
		args = append([]string{"../scripts/private-host"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "start the private host:", err)
		return 1
	}
	return 0
}

// build makes sure that bin/ has what the scripts are to test; make test has
// just built it.
func build() error {
	if _, err := os.Stat("../bin/nsrun"); err == nil {
		return nil
	}
	if out, err := exec.Command("make", "-C", "..", "build").CombinedOutput(); err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	return nil
}

// testPrograms are what the tests need beside what make builds: the plugins "first" and
// "second", the program that sandboxes meet by, and a CNI plugin that others wrote.
var testPrograms = map[string]string{
	"nsrun-plugin-first": "./hookplugin", "nsrun-plugin-second": "./hookplugin", "meet": "./meet", "cni/noop": "github.com/containernetworking/cni/plugins/test/noop",
}

// buildTestPrograms makes testPrograms.
func buildTestPrograms() error {
	for name, pkg := range testPrograms {
		out, err := exec.Command("go", "build", "-o", "../bin/test/"+name, pkg).CombinedOutput()
		if err != nil {
			return fmt.Errorf("build %s for the tests: %w\n%s", name, err, out)
		}
	}
	return nil
}

// toolDir returns the directory of the programs that scripts use.
func toolDir() string {
	dir, err := filepath.Abs("testdata/tools")
	if err != nil {
		panic(err)
	}
	return dir
}

// userEnv is the environment of the ordinary user.
func userEnv(env []string) []string {
	kept := []string{"HOME=" + privateDir + "/home", "XDG_RUNTIME_DIR=" + privateDir + "/xdg", "USER=visitor", "LOGNAME=visitor"}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if name != "HOME" && name != "XDG_RUNTIME_DIR" {
			kept = append(kept, e)
		}
	}
	return kept
}

// userCredential makes a command run as the ordinary user.
func userCredential() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testUID, Gid: testUID}}
}

// rootDir returns the top of the source tree.
func rootDir() string {
	dir, err := filepath.Abs("..")
	if err != nil {
		panic(err)
	}
	return dir
}

// goDirs returns where Go keeps modules and what it built, for scripts that
// build: they have another HOME.
var goDirs = sync.OnceValue(func() map[string]string {
	dirs := map[string]string{"GOMODCACHE": "", "GOCACHE": ""}
	for name := range dirs {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			panic(err)
		}
		dirs[name] = strings.TrimSpace(string(out))
	}
	return dirs
})
