// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

// TestMain makes the test binary an interpreter too, so that the files of the
// tests can name it after #!.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

// install writes a plugin whose definition is the text into a directory that
// nobody else can write to, with what else it needs, and returns its path.
func install(t *testing.T, name, text string, files ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, ns.BinaryPrefix+name)
	if err := os.WriteFile(path, []byte("#!"+self+"\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInterpreterAloneSaysWhatItNeeds(t *testing.T) {
	p := nstest.Start(t, &execPlugin{})
	if faults := ns.CheckDescriptor(p.Describe()); faults != nil {
		t.Error(faults)
	}
	offer := p.Negotiate(&ns.Request{})
	if len(offer.Diagnostics) != 1 || !strings.Contains(offer.Diagnostics[0].Hint, "nsctl plugin new") {
		t.Errorf("said %v", offer.Diagnostics)
	}
}

func TestScriptConforms(t *testing.T) {
	nstest.TestBinary(t, install(t, "greet", read(t, "greet.toml")),
		nstest.Case{Name: "a name", Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}}},
		nstest.Case{Name: "no name", Settings: []ns.Setting{{Option: "greet", Args: []string{"$(id)"}}}, Refused: "--greet you"})
}

func TestCommandConforms(t *testing.T) {
	nstest.TestBinary(t, install(t, "mark", read(t, "mark.toml"), "mark.sh"))
}

// start serves the definition in the test's process.
func start(t *testing.T, path string) *nstest.Plugin {
	t.Helper()
	def, err := open(path)
	return nstest.Start(t, &execPlugin{def: def, err: err})
}

func TestOffer(t *testing.T) {
	p := start(t, install(t, "greet", read(t, "greet.toml")))
	offer := p.Negotiate(&ns.Request{Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}}})
	if len(offer.Env) != 1 || offer.Env[0] != (ns.EnvVar{Name: "HELLO", Value: "you"}) || offer.Freshness == nil {
		t.Errorf("offer is %+v", offer)
	}
}

func TestHooksHandOnState(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	p := start(t, install(t, "mark", read(t, "mark.toml"), "mark.sh"))
	req := &ns.HookRequest{Point: ns.PreExec, RunID: "r1", PID: 7}
	reply := p.Hook(req)
	if reply.Diagnostics != nil || reply.Results["mark"] != temp+"/r1" || string(reply.State) != `{"mark": "`+temp+`/r1"}` {
		t.Fatalf("reply is %+v", reply)
	}
	if _, err := os.Stat(temp + "/r1"); err != nil {
		t.Error(err)
	}
	req.Point, req.State = ns.CheckRun, reply.State
	if reply := p.Hook(req); len(reply.Diagnostics) != 1 || reply.Diagnostics[0].Severity != ns.Notice {
		t.Errorf("check-run says %v", reply.Diagnostics)
	}
	red := []ns.Setting{{Option: "colour", Args: []string{"red"}}}
	req.Point, req.Add = ns.Update, red
	if reply := p.Hook(req); len(reply.Settings) != 1 || reply.Results["colour"] != "red" || string(reply.State) != `{"colour": "red"}` {
		t.Errorf("update says %+v", reply)
	}
	req.Add, req.Remove = nil, red
	if reply := p.Hook(req); len(reply.Diagnostics) != 1 || reply.Diagnostics[0].Summary != "the mark has no such colour" {
		t.Errorf("update says %+v", reply)
	}
	req.Point, req.Remove = ns.PostExec, nil
	for range 2 {
		if reply := p.Hook(req); reply.Diagnostics != nil {
			t.Error(reply.Diagnostics)
		}
	}
	if entries, _ := os.ReadDir(temp); len(entries) > 0 {
		t.Errorf("left: %v", entries)
	}
	if ds := p.Check(ns.Facts{}); len(ds) != 1 || ds[0].Severity != ns.Notice {
		t.Errorf("check says %v", ds)
	}
}

// TestProgramReadsTheCall has a program that gives back what it was given.
func TestProgramReadsTheCall(t *testing.T) {
	p := start(t, install(t, "echo", `
name = "echo"
version = "1"
summary = "echoes"
script = '''
sed 's/"/\\"/g; s/^/{"env": [{"name": "CALL", "value": "/; s/$/"}]}/' '''
[[option]]
name = "pair"
args = ["A", "B"]
repeated = true
help = "two words"
`))
	offer := p.Negotiate(&ns.Request{Plugin: "echo", Kinds: []ns.Kind{ns.Mount}, Settings: []ns.Setting{{Option: "pair", Args: []string{"a", "b"}}}})
	want := `{"call":"negotiate","options":{"pair":[["a","b"]]},"request":{"plugin":"echo","kinds":["mount"],"settings":[{"option":"pair","args":["a","b"]}],"facts":{"uid":0,"gid":0,"dir":"","kernel":"","hostname":""}}}`
	if len(offer.Env) != 1 || offer.Env[0].Value != want {
		t.Errorf("the program read\n%+v, want\n%s", offer, want)
	}
}

func TestProgramReviewsARun(t *testing.T) {
	path := install(t, "guard", `
name = "guard"
version = "1"
summary = "guards"
review = true
script = '''
case $(cat) in
*'"call":"review"'*'"command":["rm"'*'"plan":{"version":1'*) echo '{"diagnostics": [{"summary": "rm is not allowed", "hint": "ls"}]}' ;;
esac '''
`)
	nstest.TestBinary(t, path)
	p := start(t, path)
	if d := p.Describe(); len(d.Requires) != 1 || d.Requires[0] != ns.FeatureReview {
		t.Errorf("requires %q", d.Requires)
	}
	plan, err := (&ns.Plan{Version: 1}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for command, refused := range map[string]int{"rm": 1, "ls": 0} {
		reply := p.Review(&ns.ReviewRequest{Plan: plan, Command: []string{command}})
		if len(reply.Diagnostics) != refused {
			t.Errorf("%s: %+v", command, reply.Diagnostics)
		}
	}
}

func TestProgramsThatFailAreExplained(t *testing.T) {
	const head = "name = \"bad\"\nversion = \"1\"\nsummary = \"is bad\"\n"
	for name, tt := range map[string]struct{ run, summary, detail string }{
		"a status":        {"script = 'echo no luck >&2; exit 3'", "negotiate: run the script of", "it said: no luck"},
		"no JSON":         {"script = 'echo hello'", "read the answer of the script", `"hello\n"`},
		"an unknown key":  {`script = 'echo {\"stepz\": []}'`, `unknown field "stepz"`, "stepz"},
		"two answers":     {"script = 'echo {}; echo {}'", "something follows", ""},
		"a missing file":  {`command = ["./missing"]`, "find program", ""},
		"an invalid step": {`script = "printf '%s' '{\"steps\": [{\"op\": 5}]}'"`, "cannot unmarshal number", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, install(t, "bad", head+tt.run))
			offer := p.Negotiate(&ns.Request{})
			if len(offer.Diagnostics) != 1 {
				t.Fatalf("offer is %+v", offer)
			}
			d := offer.Diagnostics[0]
			if !strings.Contains(d.Summary, tt.summary) || !strings.Contains(d.Detail, tt.detail) || d.Hint == "" {
				t.Errorf("said %+v", d)
			}
		})
	}
}

func TestProgramThatOthersCanWriteIsRefused(t *testing.T) {
	path := install(t, "mark", read(t, "mark.toml"), "mark.sh")
	script := filepath.Join(filepath.Dir(path), "mark.sh")
	for name, tt := range map[string]struct {
		file string
		mode os.FileMode
		want string
	}{
		"the file":       {script, 0o775, "it can be written by others (mode 0775)"},
		"its directory":  {filepath.Dir(path), 0o777, "it can be written by others (mode 0777)"},
		"not executable": {script, 0o644, "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := os.Stat(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(tt.file, tt.mode); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(tt.file, info.Mode())
			offer := start(t, path).Negotiate(&ns.Request{})
			if len(offer.Diagnostics) != 1 || !strings.Contains(offer.Diagnostics[0].Summary, tt.want) {
				t.Errorf("said %+v", offer.Diagnostics)
			}
		})
	}
}

func TestMistakesInTheFileNameLineAndKey(t *testing.T) {
	const good = "name = \"a\"\nversion = \"1\"\nsummary = \"b\"\nscript = \"true\"\n"
	for name, tt := range map[string]struct{ text, want, hint string }{
		"unknown key":           {good + "comand = [\"x\"]\n", ":5: unknown key comand", "did you mean command?"},
		"unknown key of option": {good + "[[option]]\nname = \"x\"\nhepl = \"y\"\n", ":7: unknown key option.hepl", "did you mean help?"},
		"wrong type":            {good + "kinds = 5\n", ":5:", "types"},
		"no TOML":               {good + "kinds = [\n", ":5:", ""},
		"key twice":             {good + "name = \"b\"\n", ":5:", ""},
		"unknown kind":          {good + "kinds = [\"flux\"]\n", ":5: kinds has the unknown kind \"flux\"", "exec-plugins.md"},
		"no name":               {"version = \"1\"\nsummary = \"b\"\nscript = \"true\"\n", "name is not a plugin name", ""},
		"bad second option":     {good + "[[option]]\nname = \"x\"\nhelp = \"y\"\n[[option]]\nname = \"z\"\n", ":8: option 2 (\"z\"): help is missing", ""},
		"nothing to run":        {"name = \"a\"\nversion = \"1\"\nsummary = \"b\"\n", "neither script nor command", "command ="},
		"both":                  {good + "command = [\"./x\"]\n", ":5: script and command exclude each other", ""},
		"from PATH":             {"name = \"a\"\nversion = \"1\"\nsummary = \"b\"\ncommand = [\"python3\"]\n", ":4: command \"python3\"", "./python3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("/p/nsrun-plugin-a", tt.text)
			ds := ns.Diagnose(err)
			if len(ds) == 0 {
				t.Fatal("no error")
			}
			if !strings.Contains(ds[0].Summary, "/p/nsrun-plugin-a:") || !strings.Contains(ds[0].Summary, tt.want) || !strings.Contains(ds[0].Hint, tt.hint) {
				t.Errorf("said %q, hint %q", ds[0].Summary, ds[0].Hint)
			}
		})
	}
	// What is missing in a file with other mistakes may be what is misspelt.
	_, err := parse("/p", "nam = 1\nsumary = 2\nkinds = [\"flux\"]\n")
	if ds := ns.Diagnose(err); len(ds) != 3 || !strings.Contains(ds[2].Summary, "flux") {
		t.Errorf("not all at once, and nothing else: %v", ds)
	}
}

func TestRunByHandAFileExplainsItself(t *testing.T) {
	run := func(path string, args ...string) (status int, stdout, stderr string) {
		cmd := exec.Command(path, args...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), out.String(), errs.String()
	}
	good := install(t, "greet", read(t, "greet.toml"))
	if status, _, stderr := run(good); status != 2 || !strings.Contains(stderr, "nsrun --plugins greet COMMAND") {
		t.Errorf("status %d, said %s", status, stderr)
	}
	if status, stdout, _ := run(good, "describe"); status != 0 || !strings.Contains(stdout, `"name": "greet"`) {
		t.Errorf("status %d, printed %s", status, stdout)
	}
	bad := install(t, "greet", "nam = 1\n")
	if status, _, stderr := run(bad); status != 2 || !strings.Contains(stderr, bad+":2: unknown key nam") {
		t.Errorf("status %d, said %s", status, stderr)
	}
	if status, _, stderr := run(bad, "describe"); status != 1 || !strings.Contains(stderr, "unknown key nam") {
		t.Errorf("status %d, said %s", status, stderr)
	}
}
