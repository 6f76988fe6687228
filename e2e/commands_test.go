// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts can use beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"status": cmdStatus,
	"user":   cmdUser,
	"wait":   cmdWait,
}

// cmdStatus runs a command and checks its exit status: status N CMD...
func cmdStatus(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	runAndCheck(ts, want, args[1:], nil)
}

// cmdUser does the same as the ordinary user: user N CMD...
func cmdUser(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	runAndCheck(ts, want, args[1:], userCredential())
}

// commandLimit ends a command that hangs; it is no measure of speed.
const commandLimit = 2 * time.Minute

func runAndCheck(ts *testscript.TestScript, want int, args []string, attr *syscall.SysProcAttr) {
	path, err := lookPath(ts, args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir, cmd.SysProcAttr = ts.MkAbs("."), attr
	cmd.Env = scriptEnv(ts, attr != nil)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(commandLimit, func() { cmd.Process.Kill() })
	err = cmd.Run()
	timer.Stop()
	ts.Check(os.WriteFile(ts.MkAbs("stdout"), stdout.Bytes(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("stderr"), stderr.Bytes(), 0o644))
	ts.Logf("[stdout]\n%s[stderr]\n%s", &stdout, &stderr)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// lookPath finds a program as the script's shell would.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	if strings.Contains(name, "/") {
		return ts.MkAbs(name), nil
	}
	for _, dir := range []string{binDir, toolDir()} {
		if p := dir + "/" + name; exists(p) {
			return p, nil
		}
	}
	return exec.LookPath(name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// scriptEnv returns the script's environment, for the ordinary user if asUser.
func scriptEnv(ts *testscript.TestScript, asUser bool) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TERM", "WORK", "BIN", "NSRUN_PLUGIN_PATH", "EXTRA"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	if asUser {
		env = userEnv(env)
	}
	return env
}

// cmdWait waits until a file exists and isn't empty.
func cmdWait(ts *testscript.TestScript, _ bool, args []string) {
	for range 600 {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear", args[0])
}
