// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// frontName is the argv[0] under which the test binary is a front.
const frontName = "stage-front"

// A front gives its main thread away, as the package comment demands.
func init() {
	if os.Args[0] == frontName {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	if os.Args[0] == frontName {
		os.Exit(front())
	}
	if os.Getenv(catcherVar) != "" {
		catch()
	}
	os.Exit(m.Run())
}

// catcherVar is the environment variable that makes the test binary a catcher.
const catcherVar = "STAGE_CATCHER"

// catch prints each signal that this process gets.
func catch() {
	signals := make(chan os.Signal, 100)
	signal.Notify(signals)
	fmt.Println("up")
	for sig := range signals {
		if sig != syscall.SIGURG { // the runtime's own
			fmt.Println(int(sig.(syscall.Signal)))
		}
	}
}

// order is what a test has a front do.
type order struct {
	Config
	// NoClone3 makes clone3(2) answer ENOSYS, as container runtimes do.
	NoClone3 bool
	// Environ is what the sources of files are looked up in.
	Environ []string
	// Stall prints the child's pid and waits instead of releasing it.
	Stall bool
}

// orderFD is the descriptor that a front reads its order from. The command must
// not see it.
const orderFD = 3

// front carries out an order.
func front() int {
	var o order
	if err := json.NewDecoder(os.NewFile(orderFD, "order")).Decode(&o); err != nil {
		return complain(err)
	}
	if o.NoClone3 {
		if err := forbidClone3(); err != nil {
			return complain(err)
		}
	}
	var err error
	if o.Inputs, err = ReadInputs(o.Steps, o.Environ); err != nil {
		return complain(err)
	}
	prog, err := Compile(o.Config)
	if err != nil {
		return complain(err)
	}
	var console *Console
	if o.Command.Console {
		if console, err = OpenConsole(); err != nil {
			return complain(err)
		}
	}
	var child *Child
	err = console.Lend(func() (err error) {
		child, err = StartWith(o.Inputs, o.Kinds)
		return err
	})
	o.Inputs.Close()
	if err != nil {
		return complain(err)
	}
	child.Attach(console)
	if o.Stall {
		fmt.Println(child.PID())
		select {}
	}
	if o.IDMap != nil {
		if err := child.WriteMap(o.IDMap); err != nil {
			return complain(err)
		}
	}
	child.Load(prog)
	if err := child.Release(); err != nil {
		return complain(err)
	}
	status, err := child.Wait(func() {})
	if err != nil {
		return complain(err)
	}
	return status
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "front:", err)
	var diagnosed interface{ Diagnostic() *ns.Diagnostic }
	if errors.As(err, &diagnosed) {
		fmt.Fprintln(os.Stderr, "cause:", diagnosed.Diagnostic().Detail)
	}
	var x *ExecError
	if errors.As(err, &x) {
		return x.Status()
	}
	return 125
}

// forbidClone3 installs a filter that answers ENOSYS to clone3(2); seccomp(2).
func forbidClone3() error {
	const retErrno, retAllow = 0x00050000, 0x7fff0000
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 0, Jf: 1, K: unix.SYS_CLONE3},
		{Code: unix.BPF_RET | unix.BPF_K, K: retErrno | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return setFilter(filter)
}

// plan makes steps of one plugin.
func plan(steps ...ns.Step) []ns.PlannedStep {
	planned := make([]ns.PlannedStep, len(steps))
	for i, s := range steps {
		planned[i] = ns.PlannedStep{Plugin: "test", Step: s}
	}
	return planned
}

// run is a front that a test started.
type run struct {
	*exec.Cmd
	argv     []string // of the command
	out, err bytes.Buffer
}

// newRun returns a front that has not been started. An environment that isn't
// given has a PATH and nothing else.
func newRun(t *testing.T, o order, argv ...string) *run {
	t.Helper()
	o.Command.Argv = argv
	if o.Command.Env == nil {
		o.Command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "order")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	r := &run{argv: argv, Cmd: &exec.Cmd{Path: "/proc/self/exe", Args: []string{frontName}, Env: []string{}, ExtraFiles: []*os.File{f}}}
	r.Stdout, r.Stderr = &r.out, &r.err
	return r
}

// prepared has a shell script run first, in a mount namespace that is the host's
// for the front.
func (r *run) prepared(t *testing.T, script string) *run {
	t.Helper()
	script += "\n" + execFront(t)
	r.Path = "/usr/bin/unshare"
	r.Args = []string{"unshare", "--mount", "/bin/bash", "-ec", script}
	return r
}

// injected has a front run under strace(1), which makes system calls fail.
func (r *run) injected(t *testing.T, rule string) *run {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		skip(t, "needs strace")
	}
	r.Path = strace
	r.Args = []string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + rule, "/bin/bash", "-c", execFront(t)}
	return r
}

// execFront returns the command of bash that becomes a front.
func execFront(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return "exec -a " + frontName + " " + exe
}

// await waits until holds is true, and fails with the state it tells if it isn't within
// a minute.
func await(t *testing.T, holds func() (ok bool, state string)) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		ok, state := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(state)
		}
	}
}

// result runs a front to its end and returns its output and exit status.
func (r *run) result(t *testing.T) (out, stderr string, status int) {
	t.Helper()
	err := r.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return r.out.String(), r.err.String(), r.ProcessState.ExitCode()
}

// output runs a command that must succeed and returns what it printed.
func output(t *testing.T, o order, argv ...string) string {
	t.Helper()
	out, stderr, status := newRun(t, o, argv...).result(t)
	if status != 0 {
		t.Fatalf("%q: exit status %d\n%s%s", argv, status, out, stderr)
	}
	return out
}

// sh returns a shell's command line.
func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

// needRoot skips a test that the superuser must run.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "needs root")
	}
}

// skip skips a test, or fails it where all tests are meant to run.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// unchanged fails the test if the host's mounts aren't the same at its end.
func unchanged(t *testing.T) {
	t.Helper()
	before := mountinfo(t)
	t.Cleanup(func() {
		if after := mountinfo(t); after != before {
			t.Errorf("mounts of the host changed:\n%s\nbefore:\n%s", after, before)
		}
	})
}

func mountinfo(t *testing.T) string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// makeTree makes files below a new directory: a name that ends in a slash is a
// directory, "a -> b" a link, "a = text" a file.
func makeTree(t *testing.T, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range entries {
		if err := makeEntry(root, e); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func makeEntry(root, entry string) error {
	if name, to, ok := strings.Cut(entry, " -> "); ok {
		return os.Symlink(to, filepath.Join(root, name))
	}
	name, text, _ := strings.Cut(entry, " = ")
	path := filepath.Join(root, name)
	if strings.HasSuffix(name, "/") {
		return os.MkdirAll(path, 0o755)
	}
	return os.WriteFile(path, []byte(text), 0o755)
}

// asNobody has r run as an ordinary user, who must be able to execute the test
// binary.
func asNobody(t *testing.T, r *run) {
	t.Helper()
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = exe.Close() })
	r.ExtraFiles = append(r.ExtraFiles, exe)
	r.Path = "/proc/self/fd/4"
	r.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	r.Dir = "/"
}
