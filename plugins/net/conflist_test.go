// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// good is a list with everything that is checked.
const good = `{
  "cniVersion": "1.0.0",
  "name": "lab",
  "disableCheck": "true",
  "plugins": [
    {
      "type": "bridge",
      "capabilities": {"ips": true},
      "ipam": {
        "type": "host-local"
      },
      "dns": {}
    },
    {"type": "portmap"}
  ]
}
`

// write puts a file into dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

// faultTexts are the faults without the directory.
func faultTexts(dir string, faults []*fault) []string {
	var texts []string
	for _, f := range faults {
		texts = append(texts, strings.TrimPrefix(f.Error(), dir+"/"))
	}
	return texts
}

func TestConflistFaults(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"syntax", `"1.0.0",`, `"1.0.0"`, []string{"x:3: invalid character '\"' after object key:value pair"}},
		{"truncated", "  ]\n}\n", "", []string{"x:15: unexpected end of JSON input"}},
		{"no object", good, "[1, 2]\n", []string{"x:1: a network is a JSON object, and no array"}},
		{"version", "1.0.0", "9.9.9", []string{"x:2: cniVersion: 9.9.9 is no version that nsrun knows: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0"}},
		{"no name", `"name": "lab",`, "", []string{"x:1: name: missing; a network needs a name"}},
		{"name with slash", `"lab"`, `"a/b"`, []string{"x:3: name: \"a/b\" may hold letters, digits, '_', '.' and '-' only, and must begin with a letter or digit"}},
		{"flag", `"true"`, `"perhaps"`, []string{"x:4: disableCheck: must be true or false"}},
		{"type missing", `"type": "bridge",`, "", []string{"x:6: plugins[0].type: missing; it names the CNI plugin to run"}},
		{"type with slash", `"bridge"`, `"../../bin/sh"`, []string{`x:7: plugins[0].type: "../../bin/sh" is no file name; a CNI plugin is named, never given by path`}},
		{"ipam type with slash", `"host-local"`, `"a/b"`, []string{`x:10: plugins[0].ipam.type: "a/b" is no file name; a CNI plugin is named, never given by path`}},
		{"capability", `{"ips": true}`, `{"ips": "yes"}`, []string{"x:8: plugins[0].capabilities.ips: must be true or false"}},
		{"dns", `"dns": {}`, `"dns": []`, []string{"x:12: plugins[0].dns: must be an object"}},
		{"plugin", `{"type": "portmap"}`, `"portmap"`, []string{"x:14: plugins[1]: must be an object"}},
		{"two faults", `"bridge"`, `7, "x": {"a": [[{}]]}, "ipam": 3, "y": "bridge"`, []string{
			"x:7: plugins[0].type: must be a string",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, dir, "x", strings.Replace(good, tt.old, tt.new, 1))
			_, faults := readConflist(file)
			if d := cmp.Diff(tt.want, faultTexts(dir, faults)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestConflistReadsEveryForm(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"list":   good,
		"single": `{"cniVersion": "0.3.1", "name": "lab", "type": "bridge", "ipam": {"type": "host-local"}}`,
	} {
		c, faults := readConflist(write(t, dir, name, text))
		if len(faults) > 0 {
			t.Fatalf("%s: %v", name, faultTexts(dir, faults))
		}
		if c.list.Name != "lab" || c.list.Plugins[0].Network.Type != "bridge" || c.list.Plugins[0].Network.IPAM.Type != "host-local" {
			t.Errorf("%s: read as %s", name, c.list.Bytes)
		}
	}
}

// TestConflistFolder reads plugins from files beside the list, as CNI 1.1 has it.
func TestConflistFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "lab/10.conf", `{"type": "tuning"}`)
	file := write(t, dir, "x.conflist", good)
	c, faults := readConflist(file)
	if len(faults) > 0 {
		t.Fatal(faultTexts(dir, faults))
	}
	if n := len(c.list.Plugins); n != 3 || c.list.Plugins[2].Network.Type != "tuning" {
		t.Errorf("%d plugins: %s", n, c.list.Bytes)
	}
	// What goes to PostExec has to be whole: the files may be gone by then.
	if again, faults := parseConflist("state", c.list.Bytes); len(faults) > 0 || len(again.list.Plugins) != 3 {
		t.Errorf("not whole: %s", c.list.Bytes)
	}

	write(t, dir, "lab/10.conf", `{"type": "/bin/sh"}`)
	_, faults = readConflist(file)
	want := []string{`lab/10.conf:1: type: "/bin/sh" is no file name; a CNI plugin is named, never given by path`}
	if d := cmp.Diff(want, faultTexts(dir, faults)); d != "" {
		t.Error(d)
	}

	write(t, dir, "x.conflist", strings.Replace(good, `"plugins"`, `"loadOnlyInlinedPlugins": true, "plugins"`, 1))
	if c, faults = readConflist(file); len(faults) > 0 || len(c.list.Plugins) != 2 {
		t.Errorf("loadOnlyInlinedPlugins: %v", faultTexts(dir, faults))
	}
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "10-broken.conflist", "{")
	write(t, dir, "20-other.conf", `{"name": "other", "type": "ptp"}`)
	file := write(t, dir, "30-lab.conflist", good)

	for _, name := range []string{"lab", file, "./30-lab.conflist", "30-lab.conflist"} {
		c, faults := lookup{network: name, dir: dir, cwd: dir}.find()
		if len(faults) > 0 || c.list.Name != "lab" {
			t.Errorf("%s: %v", name, faultTexts(dir, faults))
		}
	}
	_, faults := lookup{network: "lob", dir: dir}.find()
	if len(faults) != 1 || faults[0].Error() != dir+`: no network "lob"` || faults[0].hint != "one of those that are there: lab, other" {
		t.Errorf("%v, %+v", faultTexts(dir, faults), faults)
	}
	_, faults = lookup{network: "lab", dir: dir + "/none"}.find()
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "no such file or directory") {
		t.Error(faultTexts(dir, faults))
	}
	_, faults = lookup{network: "./none.conflist", cwd: dir}.find()
	if d := cmp.Diff([]string{"none.conflist: no such file or directory"}, faultTexts(dir, faults)); d != "" {
		t.Error(d)
	}
}

func FuzzConflist(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"name": "a", "type": "b"}`))
	f.Add([]byte(`{"plugins":[{"type":{}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, faults := parseConflist("/nowhere/x", text)
		if (c == nil) == (len(faults) == 0) {
			t.Fatalf("conflist %v, faults %v", c, faults)
		}
		if c != nil && !json.Valid(c.list.Bytes) {
			t.Errorf("not valid: %s", c.list.Bytes)
		}
	})
}
