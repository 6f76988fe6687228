// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// withAndWithoutInit runs a test with an init in front of the command, and without.
func withAndWithoutInit(t *testing.T, test func(t *testing.T, o order)) {
	t.Run("without an init", func(t *testing.T) { test(t, order{}) })
	t.Run("as first process", func(t *testing.T) { test(t, order{Config: Config{Kinds: []ns.Kind{ns.PID}}}) })
	t.Run("under an init", func(t *testing.T) {
		test(t, order{Config: Config{Kinds: []ns.Kind{ns.PID}, Steps: plan(ns.Step{Op: ns.OpInit})}})
	})
}

func TestTheExitStatusIsTheCommands(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		for _, want := range []int{0, 1, 7, 125, 255} {
			if _, stderr, got := newRun(t, o, sh(fmt.Sprint("exit ", want))...).result(t); got != want {
				t.Errorf("exit status %d, want %d\n%s", got, want, stderr)
			}
		}
		if len(o.Kinds) == 1 && len(o.Steps) == 0 {
			return // a first process can't kill itself
		}
		for _, sig := range []unix.Signal{unix.SIGKILL, unix.SIGTERM, unix.SIGSEGV} {
			if _, _, got := newRun(t, o, sh(fmt.Sprintf("kill -%d $$", sig))...).result(t); got != 128+int(sig) {
				t.Errorf("exit status %d after signal %d", got, sig)
			}
		}
	})
}

func TestACommandThatCantBeExecuted(t *testing.T) {
	needRoot(t)
	dir := makeTree(t, "bad = #!/nosuch/interpreter\n", "text = hello\n", "dir/", "shadow/", "shadow/true = not mine\n")
	if err := os.Chmod(dir+"/shadow/true", 0o644); err != nil {
		t.Fatal(err)
	}
	withAndWithoutInit(t, func(t *testing.T, o order) {
		for _, c := range []struct {
			name, path string
			status     int
			want       string
		}{
			{"nosuch", "", 127, "execute nosuch: command not found\ncause: it is in no directory of PATH\n"},
			{"nosuch", "/etc/passwd:/usr/bin", 127, "execute nosuch: command not found\ncause: it is in no directory of PATH\n"},
			{"/nosuch", "", 127, "execute /nosuch: no such file or directory\ncause: \n"},
			{"/etc/passwd", "", 126, "execute /etc/passwd: permission denied\ncause: \n"},
			{dir + "/dir", "", 126, "execute " + dir + "/dir: permission denied\ncause: \n"},
			{"bad", dir, 126, "execute bad: no such file or directory\ncause: " + dir + "/bad is there, but its interpreter or loader isn't\n"},
			{dir + "/text", "", 126, "execute " + dir + "/text: exec format error\ncause: neither a program for this machine nor a script with #! in its first line\n"},
			{"true", dir + "/shadow:/nosuch", 126, "execute true: permission denied\ncause: \n"},
			{"true", dir + "/shadow:/bin", 0, ""},
		} {
			o.Command.Path = c.path
			_, stderr, status := newRun(t, o, c.name).result(t)
			if got := strings.TrimPrefix(stderr, "front: "); status != c.status || got != c.want {
				t.Errorf("%s in %q: exit status %d, want %d\ngot  %swant %s", c.name, c.path, status, c.status, got, c.want)
			}
		}
	})
}

func TestArgumentsAndEnvironmentArriveByteForByte(t *testing.T) {
	needRoot(t)
	var b strings.Builder
	for i := 1; i < 256; i++ {
		b.WriteRune(rune(i)) // text that JSON carries
	}
	o := order{Config: Config{Kinds: []ns.Kind{ns.UTS}}}
	o.Command.Env = []string{"A=" + b.String(), "EMPTY=", "A=again", "odd", "PATH=/bin"}
	argv := []string{"cat", "--", "/proc/self/cmdline", "/proc/self/environ", "", "-" + b.String()}
	out, _, _ := newRun(t, o, argv...).result(t)
	want := strings.Join(append(argv, o.Command.Env...), "\x00") + "\x00"
	if out != want {
		t.Errorf("got %q\nwant %q", out, want)
	}
}

func TestManyArguments(t *testing.T) {
	needRoot(t)
	argv := append(sh("echo $#"), "sh")
	argv = append(argv, strings.Split(strings.Repeat("0123456789,", 50000)+"x", ",")...)
	if out := output(t, order{}, argv...); out != "50001\n" {
		t.Errorf("got %q", out)
	}
}

func TestOnlyThreeDescriptorsReachTheCommand(t *testing.T) {
	needRoot(t)
	_, steps := newRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		o.Kinds = append([]ns.Kind{ns.Mount}, o.Kinds...)
		o.Steps = append(plan(append(steps, pivot)...), o.Steps...)
		r := newRun(t, o, "/bin/ls", "/proc/self/fd/")
		for range 7 { // the front inherits descriptors 4 to 10
			r.ExtraFiles = append(r.ExtraFiles, os.Stderr)
		}
		if out, stderr, _ := r.result(t); out != "0\n1\n2\n3\n" { // 3 is ls's own
			t.Errorf("got %q, %q", out, stderr)
		}
	})
}

func TestTheCommandGetsWhatTheCallerHad(t *testing.T) {
	needRoot(t)
	o := mounts(private, tmp)
	o.Command.NoNewPrivs = true
	script := "trap '' HUP TSTP; umask 027; ulimit -Sn 321"
	out, stderr, _ := newRun(t, o, "sh", "-c", "umask; ulimit -n; ulimit -Hn; exec cat /proc/self/status").prepared(t, script).result(t)
	lines := strings.SplitN(out, "\n", 4)
	if len(lines) < 4 || lines[0] != "0027" || lines[1] != "321" || lines[2] == "321" {
		t.Fatalf("got %q, %q", out, stderr)
	}
	if got := statusField(lines[3], "SigIgn"); !strings.HasSuffix(got, "00080001") && !strings.HasSuffix(got, "80080001") {
		// glibc's posix_spawn(3), which make uses, ignores signals 32 and 33 too.
		t.Errorf("SigIgn is %s, want what the shell ignored", got)
	}
	for field, want := range map[string]string{
		"SigBlk": "0000000000000000", "SigCgt": "0000000000000000", "NoNewPrivs": "1",
	} {
		if got := statusField(lines[3], field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
}

func TestABlockedSignalStaysBlocked(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		r := newRun(t, o, "cat", "/proc/self/status")
		r.Path, r.Args = "/usr/bin/env", []string{"env", "--block-signal=USR1", "/bin/bash", "-c", execFront(t)}
		out, stderr, status := r.result(t)
		if got := statusField(out, "SigBlk"); got != "0000000000000200" {
			t.Errorf("status %d, SigBlk is %s: %s", status, got, stderr)
		}
	})
}

func TestTheInitReapsOrphans(t *testing.T) {
	needRoot(t)
	o := mounts(private, proc, ns.Step{Op: ns.OpInit})
	// The orphans end one after the other; the last look is when all have.
	script := "for i in 1 2 3 4 5; do (sleep 0.$i & sleep 0.0$i) & done; wait; sleep 1; grep -h ^State /proc/[0-9]*/status | sort | uniq -c"
	out := output(t, o, sh(script)...)
	if strings.Contains(out, "Z") || !strings.Contains(out, "S (sleeping)") {
		t.Errorf("got %s", out)
	}
}

// started runs a front and returns the first line that the command prints.
func (r *run) started(t *testing.T) (out *bufio.Reader, line string) {
	t.Helper()
	r.Stdout = nil
	pipe, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Kill(-r.Process.Pid, unix.SIGKILL); _ = r.Wait() })
	out = bufio.NewReader(pipe)
	return out, readLine(t, out)
}

func readLine(t *testing.T, from *bufio.Reader) string {
	t.Helper()
	line, err := from.ReadString('\n')
	if err != nil {
		t.Fatalf("%v after %q", err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

// Everything that holds the pipe open must be gone for its end to be read.
func TestAllDiesWithTheFront(t *testing.T) {
	needRoot(t)
	init := plan(ns.Step{Op: ns.OpInit})
	for name, o := range map[string]order{
		"a command":                 {},
		"a first process":           {Config: Config{Kinds: []ns.Kind{ns.PID}}},
		"an init and all below":     {Config: Config{Kinds: []ns.Kind{ns.PID}, Steps: init}},
		"one that changed its user": {Config: Config{Command: Command{User: &Credential{UID: 65534, GID: 65534}}}},
		"one in a user namespace": {Config: Config{
			Kinds: []ns.Kind{ns.User, ns.PID}, Steps: init,
			IDMap: &ns.IDMap{UIDs: []ns.Extent{{Outside: 1000, Size: 10}}, GIDs: []ns.Extent{{Outside: 1000, Size: 10}}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			script := "echo up; exec sleep 1000"
			if len(o.Kinds) > 0 {
				script = "setsid sleep 1000 & echo up; sleep 1000" // only a PID namespace holds those
			}
			r := newRun(t, o, sh(script)...)
			out, _ := r.started(t)
			if err := r.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			expectEnd(t, out)
		})
	}
}

func TestABlockedChildDiesWithTheFront(t *testing.T) {
	needRoot(t)
	r := newRun(t, order{Stall: true, Config: Config{Kinds: []ns.Kind{ns.PID, ns.User}}}, "true")
	out, pid := r.started(t)
	// It holds nothing of the front's open but the first three and its two pipes.
	await(t, func() (bool, string) {
		open, err := os.ReadDir("/proc/" + pid + "/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(open) == 5, fmt.Sprintf("%d descriptors are open", len(open))
	})
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, out)
	await(t, func() (bool, string) {
		_, err := os.Stat("/proc/" + pid)
		return err != nil, "process " + pid + " is still there"
	})
}

func expectEnd(t *testing.T, out io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("read %q, %v", rest, err)
	}
}
