// SPDX-License-Identifier: Apache-2.0

package scaffold

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// sdkAt makes a directory that looks like the SDK, with this go.mod.
func sdkAt(t *testing.T, goMod string) SDK {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": goMod, "go.sum": "sums\n", "sdk/python/nsrun.py": "# the SDK\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return SDK{dir}
}

const goMod = `module github.com/nsrun/nsrun

go 1.26.0

require example.org/one v1.0.0

require (
	example.org/two v2.0.0
	example.org/three v3.0.0 // indirect
)

tool example.org/two/cmd
`

func TestRequirementsAreThoseOfTheSDK(t *testing.T) {
	version, requires, err := sdkAt(t, goMod).requirements()
	want := []string{"example.org/one v1.0.0", "example.org/two v2.0.0", "example.org/three v3.0.0"}
	if err != nil || version != "1.26.0" || !slices.Equal(requires, want) {
		t.Errorf("go %s, %v, %v", version, requires, err)
	}
}

func TestEachLanguageHasItsFiles(t *testing.T) {
	sdk := sdkAt(t, goMod)
	for lang, want := range map[string][]string{
		"go":     {".ci/run", ".gitignore", "Makefile", "README.md", "go.mod", "go.sum", "main.go", "plugin.go", "plugin_test.go"},
		"python": {".ci/run", ".gitignore", "Makefile", "README.md", "nsrun.py", "plugin.py", "test_plugin.py"},
		"exec":   {".ci/run", "Makefile", "README.md", "nsrun-plugin-a", "test.sh"},
	} {
		t.Run(lang, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project")
			if err := Write(dir, &Project{Name: "a", Lang: lang, SDK: sdk, Exec: "/x/nsrun-plugin-exec"}); err != nil {
				t.Fatal(err)
			}
			var have []string
			err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if !d.IsDir() {
					text, _ := os.ReadFile(path)
					if strings.Contains(string(text), "{{.") || strings.Contains(string(text), "<no value>") {
						t.Errorf("%s is not filled in:\n%s", path, text)
					}
					have = append(have, strings.TrimPrefix(path, dir+"/"))
				}
				return err
			})
			if slices.Sort(have); err != nil || !slices.Equal(have, want) {
				t.Errorf("files are %v, %v, want %v", have, err, want)
			}
		})
	}
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "project")
	sdk := sdkAt(t, goMod)
	if err := os.Remove(filepath.Join(sdk.Dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, &Project{Name: "a", Lang: "go", SDK: sdk}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestWhatIsThereIsKept(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, &Project{Name: "a", Lang: "exec"}); err == nil || !strings.Contains(err.Error(), "already there") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func TestSDKIsFoundBesideTheBinary(t *testing.T) {
	sdk := sdkAt(t, goMod)
	if got, err := FindSDK("", filepath.Join(sdk.Dir, "bin", "nsctl")); err != nil || got.Dir != sdk.Dir {
		t.Errorf("in a build tree: %v, %v", got, err)
	}
	prefix := t.TempDir()
	installed := filepath.Join(prefix, "share", "nsrun", "sdk")
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sdk.Dir, installed); err != nil {
		t.Fatal(err)
	}
	if got, err := FindSDK("", filepath.Join(prefix, "bin", "nsctl")); err != nil || got.Dir != installed {
		t.Errorf("installed: %v, %v", got, err)
	}
	if _, err := FindSDK("", "/nowhere/bin/nsctl"); err == nil {
		t.Error("no error without one")
	}
	if _, err := FindSDK(sdkAt(t, "module example.org/other\n").Dir, ""); err == nil {
		t.Error("no error for another module")
	}
}

func TestReadme(t *testing.T) {
	text := Readme(&ns.Descriptor{
		Name: "mine", Summary: "does | things", Kinds: []ns.Kind{ns.Net}, Hooks: []ns.Point{ns.PreExec},
		Options: []ns.Option{
			{Name: "bind", Type: ns.Path, Args: []string{"SRC", "DST"}, Repeated: true, Help: "a | b"},
			{Name: "key", Type: ns.String, Required: true, Env: "KEY", Help: "the key", Deprecated: "--token"},
		},
	})
	for _, want := range []string{
		"# nsrun-plugin-mine\n", "nsrun --plugins net=mine --bind SRC DST COMMAND", "It sets up: net.", "It works on the host",
		"| `--bind SRC DST` | a \\| b; may be given again |  |", "| `--key STRING` | the key; required; also from KEY; deprecated: --token |  |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("README lacks %q:\n%s", want, text)
		}
	}
}
