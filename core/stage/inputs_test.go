// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// from is a step that fills /tmp/NAME from a source.
func from(source, name string) ns.Step {
	return ns.Step{Op: ns.OpFile, Source: source, Target: "/tmp/" + name, Mode: 0o400}
}

// secret is what tests must find in the file, and nowhere else.
const secret = "s3cr3t-content"

// withPipe gives the front of r a pipe as descriptor 4, from which text can be read.
func withPipe(t *testing.T, r *run, text string) *run {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = writer.WriteString(text)
		writer.Close()
	}()
	t.Cleanup(func() { reader.Close() })
	r.ExtraFiles = append(r.ExtraFiles, reader)
	return r
}

func TestAFileIsFilledFromWhatTheCallerGave(t *testing.T) {
	needRoot(t)
	unchanged(t)
	host := makeTree(t, "f = "+secret)
	long := strings.Repeat("0123456789abcdef", 50_000) // more than a pipe holds
	o := mounts(private, tmp, from("fd:4", "pipe"), from("env:KEY", "env"), from(host+"/f", "path"),
		from("fd:4", "again"), ns.Step{Op: ns.OpFile, Target: "/tmp/empty", Source: "env:EMPTY"},
		ns.Step{Op: ns.OpFile, Target: "/tmp/left-out", Source: "env:NONE", IfExists: true})
	o.Environ = []string{"KEYS=no", "KEY=" + secret, "EMPTY="}
	o.Command.User = &Credential{UID: 1234, GID: 4321}
	script := "cd /tmp; stat -c '%n %a %u %g %s' *; cat env path; cmp pipe again && echo same; ls -A /proc/self/fd | tr '\\n' ' '"
	out, stderr, status := withPipe(t, newRun(t, o, sh(script)...), long).result(t)
	const want = "again 400 1234 4321 800000\nempty 644 1234 4321 0\nenv 400 1234 4321 14\npath 400 1234 4321 14\npipe 400 1234 4321 800000\n" +
		secret + secret + "same\n0 1 2 3 "
	if out != want || status != 0 {
		t.Errorf("exit status %d, got\n%s%s\nwant\n%s", status, out, stderr, want)
	}
}

func TestASourceThatCanNotBeReadIsNamed(t *testing.T) {
	needRoot(t)
	dir := makeTree(t, "d/")
	o := mounts(private, tmp, from("fd:77", "a"), from("env:NONE", "b"), from(dir+"/none", "c"), from(dir+"/d", "d"), from("/dev/zero", "e"))
	out, stderr, status := newRun(t, o, "echo", "ran").result(t)
	if status != 125 || out != "" {
		t.Errorf("exit status %d, got %q", status, out)
	}
	for _, want := range []string{
		"read fd:77 for /tmp/a: bad file descriptor", "read env:NONE for /tmp/b: the variable is not set",
		"read " + dir + "/none for /tmp/c: no such file", "read " + dir + "/d for /tmp/d: is a directory", "read /dev/zero for /tmp/e: longer than 16 MiB",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not told: %s\nin %s", want, stderr)
		}
	}
}

// A descriptor of nsrun's own has a number that the caller may name by mistake.
func TestADescriptorThatTheCallerDidNotGiveIsRefused(t *testing.T) {
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if inherited(int(f.Fd())) || !inherited(0) {
		t.Error("an own descriptor is taken for the caller's, or the other way round")
	}
}

func TestAProgramDoesNotShowWhatItFillsFilesWith(t *testing.T) {
	host := makeTree(t, "f = "+secret)
	cfg := Config{Kinds: mountKinds, Steps: plan(private, tmp, from(host+"/f", "path")), Command: Command{Argv: []string{"true"}}}
	var err error
	if cfg.Inputs, err = ReadInputs(cfg.Steps, nil); err != nil {
		t.Fatal(err)
	}
	defer cfg.Inputs.Close()
	prog, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if text := prog.String(); strings.Contains(text, secret) || strings.Contains(string(prog.code.Image(0)), secret) || !strings.Contains(text, "sendfile(") {
		t.Errorf("the program is\n%s", text)
	}
}

func TestADirectoryInTheHostsTreeIsMadeForTheRunAlone(t *testing.T) {
	needRoot(t)
	unchanged(t)
	host := makeTree(t, "f = text", "d/", "d/g = below", "link -> d", "dangling -> nowhere")
	if err := os.Chmod(host, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, steps := range map[string][]ns.Step{
		"the host's root": {private},
		"read-only root":  {private, {Op: ns.OpRootfs, Source: "/", Attrs: []ns.Attr{ns.ReadOnly}}, pivot},
	} {
		t.Run(name, func(t *testing.T) {
			made := host + "/made/deep"
			steps = append(steps, ns.Step{Op: ns.OpMkdir, Target: made}, ns.Step{Op: ns.OpFile, Target: made + "/x", Data: "mine"})
			script := "cd " + host + "; stat -c %a .; echo *; cat f link/g made/deep/x; readlink dangling"
			if out := output(t, mounts(steps...), sh(script)...); out != "750\nd dangling f link made\ntextbelowminenowhere\n" {
				t.Errorf("got %q", out)
			}
			if _, err := os.Stat(filepath.Join(host, "made")); err == nil {
				t.Error("the directory was made on the host")
			}
		})
	}
}

func TestADirectoryNextToTheRootIsRefused(t *testing.T) {
	needRoot(t)
	_, stderr, status := newRun(t, mounts(private, ns.Step{Op: ns.OpMkdir, Target: "/not-there/x"}), "true").result(t)
	if status != 125 || !strings.Contains(stderr, "make the directory /not-there/x") {
		t.Errorf("exit status %d, %q", status, stderr)
	}
}
