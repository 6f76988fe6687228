// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/ns"
)

var source = config.Source{Path: "/c", System: true}

func TestParse(t *testing.T) {
	got, err := Parse(source, `# what everybody gets
plugins = ["uts", "net=pasta"]
required = [
  "policy",
]
forbidden = ["host"]

[nsrun]
no-new-privs = true

[options.mount]
tmpfs = "/tmp"
bind = [["/a", "/b"], ["/c", "/d"]]

[options.rlimit]
limit = ["nofile=5", "core=0"]
count = 3
ratio = 0.5
`)
	if err != nil {
		t.Fatal(err)
	}
	want := config.File{
		Source:    source,
		Plugins:   []config.Entry{{Text: "uts", Line: 2}, {Text: "net=pasta", Line: 2}},
		Required:  []config.Entry{{Text: "policy", Line: 4}},
		Forbidden: []config.Entry{{Text: "host", Line: 6}},
		Options: []config.Option{
			{Name: "no-new-privs", Values: [][]string{{"true"}}, Line: 9},
			{Scope: "mount", Name: "tmpfs", Values: [][]string{{"/tmp"}}, Line: 12},
			{Scope: "mount", Name: "bind", Values: [][]string{{"/a", "/b"}, {"/c", "/d"}}, Line: 13},
			{Scope: "rlimit", Name: "limit", Values: [][]string{{"nofile=5"}, {"core=0"}}, Line: 16},
			{Scope: "rlimit", Name: "count", Values: [][]string{{"3"}}, Line: 17},
			{Scope: "rlimit", Name: "ratio", Values: [][]string{{"0.5"}}, Line: 18},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestParseSaysAllThatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"keys and types": {"plugin = []\nrequired = \"policy\"\nforbidden = [1]\noptions = 5\n",
			"read /c:1: unknown key plugin\nread /c:2: required: a list in brackets is wanted, and there is the string \"policy\"\n" +
				"read /c:3: forbidden: a string in quotes is wanted, and there is 1\nread /c:4: options: a table is wanted, and there is 5"},
		"values": {"plugins = []\nforbidden = [\n\"net=host\"]\n[options.uts]\nhostname = []\n[options.Uts]\n[options.mount]\nbind = [[{}]]\ntmpfs = 2020-01-01\n",
			"read /c:1: plugins: an empty list\nread /c:3: forbidden: \"net=host\" is not the name of a plugin\nread /c:5: options.uts.hostname: an empty list\n" +
				"read /c:6: options.Uts: \"Uts\" is not the name of a plugin\nread /c:8: options.mount.bind: not a value of an option\nread /c:9: options.mount.tmpfs: not a value of an option"},
		"no TOML": {"[options\n", "read /c:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(source, tt.text)
			var got []string
			for _, d := range ns.Diagnose(err) {
				got = append(got, d.Summary)
				if d.Hint == "" {
					t.Errorf("no hint: %s", d.Summary)
				}
			}
			if !strings.HasPrefix(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

func TestFilesSaysWhatIsWrongWithAnyOfThem(t *testing.T) {
	dir := t.TempDir()
	missing, broken := filepath.Join(dir, "missing"), filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Files([]config.Source{{Path: missing}, {Path: broken}, {Path: dir}})
	ds := ns.Diagnose(err)
	if len(ds) != 3 || !strings.Contains(ds[0].Summary, missing) || !strings.Contains(ds[1].Summary, broken) || !strings.Contains(ds[2].Summary, "directory") {
		t.Errorf("said %+v", ds)
	}
}
