// SPDX-License-Identifier: Apache-2.0

package nstoml

import (
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// document has a field of each form.
type document struct {
	Name   string                    `toml:"name"`
	Check  bool                      `toml:"check"`
	Most   int                       `toml:"most"`
	Kinds  []string                  `toml:"kinds"`
	Pairs  [][]string                `toml:"pairs"`
	Nest   *nest                     `toml:"nest"`
	Option []nest                    `toml:"option"`
	Free   map[string]map[string]any `toml:"free"`
}

type nest struct {
	Word  string `toml:"word"`
	Inner []nest `toml:"inner"`
}

const good = `# a comment
name = "a"
check = true
most = 3
kinds = [
  "x", # the first

  "y",
]
pairs = [["a", "b"], ["c", "d"]]
nest.word = "dotted"
free = { one = { two = 5 } }

[[option]]
word = "first"
[[option.inner]]
word = "inner"

[[option]]
[[option.inner]]
[[option.inner]]
word = "last"
`

func TestLines(t *testing.T) {
	var d document
	f, err := Decode("/p", good, &d, "")
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "a" || !d.Check || d.Most != 3 || len(d.Kinds) != 2 || d.Nest.Word != "dotted" || d.Option[1].Inner[1].Word != "last" {
		t.Errorf("read %+v", d)
	}
	for key, want := range map[string]int{
		"name": 2, "kinds": 5, "kinds.0": 6, "kinds.1": 8, "pairs.1": 10, "pairs.1.0": 10, "nest": 11, "nest.word": 11, "free.one.two": 12,
		"option": 14, "option.0": 14, "option.0.word": 15, "option.0.inner.0.word": 17, "option.1": 19, "option.1.inner.0": 20,
		"option.1.inner.1": 21, "option.1.inner.1.word": 22, "option.1.help": 19, "missing": 1, "": 1,
	} {
		if got := f.Line(key); got != want {
			t.Errorf("%s is on line %d, want %d", key, got, want)
		}
	}
}

func TestAllThatIsWrongAtOnce(t *testing.T) {
	var d document
	_, err := Decode("/p", `nam = "a"
check = "yes"
most = 1.5
kinds = "x"
pairs = ["a"]
nest = 5
[[option]]
wrd = "first"
[free.one]
two = 2020-01-01
[free.three]
[nothing.at.all]
x = 1
`, &d, "see the docs")
	want := []string{
		"read /p:1: unknown key nam | did you mean name?",
		`read /p:2: check: true or false is wanted, and there is the string "yes" | see the docs`,
		"read /p:3: most: a whole number is wanted, and there is 1.5 | see the docs",
		`read /p:4: kinds: a list in brackets is wanted, and there is the string "x" | see the docs`,
		`read /p:5: pairs: a list in brackets is wanted, and there is the string "a" | see the docs`,
		"read /p:6: nest: a table is wanted, and there is 5 | see the docs",
		"read /p:8: unknown key option.wrd | did you mean word?",
		"read /p:12: unknown key nothing | the keys are name, check, most, kinds, pairs, nest, option, free",
	}
	var got []string
	for _, d := range ns.Diagnose(err) {
		got = append(got, d.Summary+" | "+d.Hint)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIsNoTOML(t *testing.T) {
	for text, want := range map[string]string{
		"name = \n":                      "read /p:1: ",
		"name = \"a\"\n\nname = \"b\"\n": "read /p:3: ",
		"most = 99999999999999999999\n":  "read /p:1: ",
		"[a\n":                           "read /p:1: ",
		"name = \"\xff\"\n":              "read /p:1: ",
		"a = 1\n[a]\nb = 1\n":            "read /p:2: ",
	} {
		var d document
		_, err := Decode("/p", text, &d, "see the docs")
		ds := ns.Diagnose(err)
		if len(ds) != 1 || !strings.HasPrefix(ds[0].Summary, want) || ds[0].Hint != "see the docs" {
			t.Errorf("%q: %+v", text, ds)
		}
	}
}
