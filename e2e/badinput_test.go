// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mistake is a file with something wrong, how it is used, and what is said of it: for
// each fault the file with its line, the key, the reason, and a way out.
type mistake struct {
	name, file, text string
	run              []string
	says             []string // FILE stands for the file
}

const head = "name = \"x\"\nversion = \"1\"\nsummary = \"does\"\nscript = \"echo {}\"\n"

var mistakes = []mistake{
	{"a configuration's keys", "/etc/nsrun/config.toml", "plugin = [\"uts\"]\n[option.uts]\n", []string{"nsrun"},
		[]string{"read FILE:1: unknown key plugin", "did you mean plugins?", "read FILE:2: unknown key option", "did you mean options?"}},
	{"a configuration's keys and options", "/etc/nsrun/config.toml", "plugin = [\"uts\"]\n[options.uts]\nhostnmae = \"x\"\n[options.utz]\nx = 1\n", []string{"nsrun"},
		[]string{"read FILE:1: unknown key plugin", "read FILE:3: options.uts.hostnmae: uts has no such option", "read FILE:5: options.utz: no plugin utz is installed"}},
	{"a configuration's types", "/etc/nsrun/config.toml", "required = \"uts\"\n[options]\nuts = 3\n", []string{"nsrun"},
		[]string{"read FILE:1: required: a list in brackets is wanted", "read FILE:3: options.uts: a table is wanted", "docs/configuration.md"}},
	{"a configuration that is no TOML", "/etc/nsrun/config.toml", "\n[options\n", []string{"nsrun"}, []string{"read FILE:2: "}},
	{"a configuration's plugins", "/etc/nsrun/config.toml", "plugins = [\"uts\",\n\"Uts\", \"pdi=pid\",\n\"uts\"]\n", []string{"nsrun"},
		[]string{`read FILE:2: plugins: "Uts" is no plugin`, `read FILE:2: plugins: "pdi=pid" is no plugin`, "did you mean pid?", "read FILE:3: plugins: uts is there twice"}},
	{"a configuration's options", "/etc/nsrun/config.toml",
		"[options.uts]\nhostnmae = \"x\"\n[options.mount]\nbind = [\"/a\", \"/b\"]\nproc = \"freshh\"\nrootfs = \"rel\"\nro-root = 5\n[options.moutn]\nx = 1\n[nsrun]\nuser = \"root\"\ndebug = true\nkeep-warm = \"soon\"\ntty = \"yes\"\n", []string{"nsrun"},
		[]string{"read FILE:2: options.uts.hostnmae: uts has no such option", "did you mean hostname?", "read FILE:4: options.mount.bind: got 1 of 2 arguments", `bind = [["SRC", "DST"]]`,
			`read FILE:5: options.mount.proc: "freshh" is not one of fresh, bind, none`, `read FILE:6: options.mount.rootfs: "rel" is not a path`, `read FILE:7: options.mount.ro-root: "5" is not true or false`,
			"read FILE:9: options.moutn: no plugin moutn is installed", "did you mean mount?", `read FILE:11: nsrun.user: "root" can't be used`, "read FILE:12: nsrun.debug: nsrun has no such option", "read FILE:13: nsrun.keep-warm: \"soon\"", "read FILE:14: nsrun.tty: \"yes\" is not one of"}},
	{"a configuration that contradicts itself", "/etc/nsrun/config.toml", "required = [\"uts\"]\nforbidden = [\"uts\"]\n", []string{"nsrun"}, []string{"read FILE:1: required: FILE:2 forbids uts"}},
	{"a policy", "/etc/nsrun/policy.toml", "own-plugins = 1\n[network]\nport = []\n", []string{"nsrun", "--plugins", "uts,policy"},
		[]string{"read FILE:1: own-plugins: true or false is wanted", "read FILE:3: unknown key network.port", "did you mean ports?"}},
	{"a profile's lines", "/etc/nsrun/profiles/bad", "--plugins=uts\nmake test\n--debug\n", []string{"nsrun", "--profile", "bad"},
		[]string{"read FILE:2: not a flag", "read FILE:3: --debug can't stand in a profile", "one flag of nsrun or of a plugin on each line"}},
	{"a profile's flags", "/etc/nsrun/profiles/bad", "--plugins=uts,mount\n--hostnmae x\n\n--bind /a\n--proc=no\n--clearenv=maybe\n--hostname x y\n", []string{"nsrun", "--profile", "bad"},
		[]string{"read FILE:2: unknown flag --hostnmae", "did you mean --hostname?", "read FILE:4: mount: --bind: DST is missing", "read FILE:5: read --proc: \"no\" is not one of", "read FILE:6: read --clearenv: \"maybe\"",
			"read FILE:7: \"y\" belongs to no flag"}},
	{"a profile's plugins", "/etc/nsrun/profiles/bad", "\n--plugins=uts,nosuch\n", []string{"nsrun", "--profile", "bad"}, []string{"nosuch"}},
	{"an exec plugin's keys", "/run/p/nsrun-plugin-x", "#!EXEC\n" + head + "sumary = \"y\"\nhooks = 5\n[[option]]\nname = \"o\"\nhelp = 1\n", []string{"nsrun", "--plugin-dir", "/run/p", "--plugins", "x"},
		[]string{"read FILE:6: unknown key sumary", "did you mean summary?", "read FILE:7: hooks: a list in brackets is wanted", "read FILE:10: option.help: a string in quotes is wanted", "docs/exec-plugins.md"}},
	{"an exec plugin's values", "/run/p/nsrun-plugin-x", "#!EXEC\n" + head + "kinds = [\"flux\"]\n[[option]]\nname = \"O\"\nhelp = \"h\"\n[[option]]\nname = \"p\"\nhelp = \"h\"\ntype = \"real\"\n", []string{"nsrun", "--plugin-dir", "/run/p", "--plugins", "x"},
		[]string{"read FILE:6: kinds has the unknown kind", "read FILE:7: option 1", "read FILE:10: option 2", "unknown type"}},
	{"a trace's JSON", "/run/t/1.json", "{\n\"plugin\": \"uts\",\n\"call\": \"describe\",\n}\n", []string{"nsctl", "plugin", "replay", "/run/t", "BIN/plugins/nsrun-plugin-uts"},
		[]string{"read trace FILE:4: invalid character", "remove the file, or make the trace again"}},
	{"a trace's keys", "/run/t/1.json", "{\n\"plugin\": \"uts\",\n\"cal\": \"describe\"\n}\n", []string{"nsctl", "plugin", "replay", "/run/t", "BIN/plugins/nsrun-plugin-uts"}, []string{`read trace FILE:`, `unknown field "cal"`}},
	{"a trace's types", "/run/t/1.json", "{\n\"plugin\": 5}\n", []string{"nsctl", "plugin", "replay", "/run/t", "BIN/plugins/nsrun-plugin-uts"}, []string{"read trace FILE:2: plugin: string can't be number"}},
	{"a trace's calls", "/run/t/1.json", "{\n\"plugin\": \"uts\",\n\"call\": \"describ\"\n}\n", []string{"nsctl", "plugin", "replay", "/run/t", "BIN/plugins/nsrun-plugin-uts"}, []string{`read trace FILE:3: call: "describ" is none of describe, negotiate`}},
}

// TestBadInputIsToldByFileAndLine uses each of the mistakes in a private host.
func TestBadInputIsToldByFileAndLine(t *testing.T) {
	requireRoot(t)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			work, err := os.MkdirTemp(workRoot(t), "")
			if err != nil {
				t.Fatal(err)
			}
			bin := strings.NewReplacer("BIN", binDir, "EXEC", binDir+"/plugins/nsrun-plugin-exec")
			if err := os.WriteFile(filepath.Join(work, "text"), []byte(bin.Replace(m.text)), 0o755); err != nil {
				t.Fatal(err)
			}
			command := bin.Replace(strings.Join(m.run, " "))
			if m.run[0] == "nsrun" {
				command += " sh -c 'echo ran >ran'"
			}
			cmd := exec.Command(toolDir()+"/own-etc", "sh", "-c", "mkdir -p "+filepath.Dir(m.file)+" && cp text "+m.file+" && "+command)
			cmd.Dir, cmd.Env = work, append(hostEnv(), "PATH="+binDir+":"+toolDir()+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); err == nil || m.run[0] == "nsrun" && code != 125 {
				t.Errorf("exit status %d", code)
			}
			for _, says := range m.says {
				if says = strings.ReplaceAll(says, "FILE", m.file); !strings.Contains(string(out), says) {
					t.Errorf("lacks %s", says)
				}
			}
			if exists(filepath.Join(work, "ran")) || strings.Count(string(out), "try:") == 0 {
				t.Error("the command ran, or there is no way out")
			}
			if t.Failed() {
				t.Logf("said:\n%s", out)
			}
		})
	}
}

// notFiles are what stands where a file should, each made by a command, and a word of
// what is said of it.
const notFiles = `
try pipe "mkfifo FILE"
try directory "mkdir FILE"
try loop "ln -s FILE FILE"
try device "ln -s /dev/zero FILE"
try latin "printf '\344' >FILE"
try large "truncate -s 70000000 FILE"
`

// TestWhatIsNoFileIsRefused puts what is no readable text in the place of each kind
// of file. Nothing waits for it, and it is named.
func TestWhatIsNoFileIsRefused(t *testing.T) {
	requireRoot(t)
	for _, use := range []struct{ name, file, run string }{
		{"a configuration", "/etc/nsrun/config.toml", "nsrun touch ran"},
		{"a policy", "/etc/nsrun/policy.toml", "nsrun --plugins uts,policy touch ran"},
		{"a profile", "/etc/nsrun/profiles/p", "nsrun --profile p touch ran"},
		{"a lock file", "/run/p/lock", "nsrun --locked=/run/p/lock touch ran"},
		{"a trace", "/run/t/1.json", "nsctl plugin replay /run/t " + binDir + "/plugins/nsrun-plugin-uts"},
		{"sums", "/run/p/SHA256SUMS", "nsctl plugin install --to ran /run/p/nsrun-plugin-uts"},
		{"a plugin to install", "/run/q/nsrun-plugin-x", "nsctl plugin install --to ran /run/q/nsrun-plugin-x"},
	} {
		t.Run(use.name, func(t *testing.T) {
			work, err := os.MkdirTemp(workRoot(t), "")
			if err != nil {
				t.Fatal(err)
			}
			script := strings.ReplaceAll(`
mkdir -p $(dirname FILE); cp `+binDir+`/plugins/nsrun-plugin-uts /run/p 2>/dev/null
try() {
	rm -rf FILE ran; sh -c "$2"
	out=$(timeout 60 `+use.run+` 2>&1 </dev/null) && echo "$1 is taken for FILE"
	[ $? != 124 ] || echo "$1 is waited for"
	case $out in *FILE*try:*|*try:*FILE*) ;; *) echo "$1 is told without FILE or a way out: $out" ;; esac
	[ ! -e ran ] || [ -z "$(ls -A ran)" ] && [ ! -f ran ] || echo "$1: the command ran"
}`+notFiles, "FILE", use.file)
			cmd := exec.Command(toolDir()+"/own-etc", "sh", "-c", script)
			cmd.Dir, cmd.Env = work, append(hostEnv(), "PATH="+binDir+":"+toolDir()+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
