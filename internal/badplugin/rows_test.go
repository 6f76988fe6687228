// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is one way to be broken, and the modes that are broken so. What isn't in
// the plugin's hands, such as where its file lies, has a test elsewhere.
type row struct {
	stage, what string
	modes       string
	elsewhere   string
}

// rows are all ways in which a plugin is expected to be broken.
var rows = []row{
	{"find", "not there, not executable, a directory", "", "core/find/find_test.go:TestFindRefusesWhatIsNoProgram"},
	{"find", "others can write to it, or to a directory above", "", "core/find/find_test.go:TestFindChecksEveryDirectoryAbove"},
	{"find", "of another owner", "", "core/find/find_test.go:TestFindTrustsOwners"},
	{"find", "the same name in two places", "", "core/find/find_test.go:TestFindNamesBothOfOneRank"},
	{"pin", "another digest than the lock has", "", "core/lock/lock_test.go:TestCompareNamesBothDigests"},
	{"pin", "replaced between check and start", "", "core/host/host_test.go:TestPluginCannotBeSwapped"},
	{"cookie", "serves when started by hand", "byhand", ""},
	{"start", "ends before it serves", "exit0 exit127 panic-early segv-early daemon-exit", ""},
	{"handshake", "never comes", "silent partial slow closed", ""},
	{"handshake", "something else is printed first", "banner escape json flood-early", ""},
	{"handshake", "has no end", "endless", ""},
	{"handshake", "speaks another protocol", "core9 api9 api0 netrpc oldform fields", ""},
	{"handshake", "names another place", "tcp foreign abstract dotdot missing file symlink", ""},
	{"handshake", "has a certificate", "cert", ""},
	{"handshake", "nobody, or somebody else, listens", "noaccept garbage peer", ""},
	{"rpc", "serves too little, or everything", "noshutdown unimplemented future", ""},
	{"rpc", "hangs", "hang stop prehang", ""},
	{"rpc", "crashes", "panic segv exit", ""},
	{"rpc", "answers with too much", "huge manysteps somesteps millionsteps", ""},
	{"rpc", "answers with what is nested deeply", "nested", ""},
	{"rpc", "fails with texts that harm a terminal", "status longstatus ansi", ""},
	{"rpc", "prints without end", "flood-stdout flood-stderr flood-stream longline loud", ""},
	{"rpc", "takes too much, or too little", "glutton strict serial giveup", ""},
	{"rpc", "leaves processes, files, descriptors, sockets", "daemon litter checklitter fdleak listener", ""},
	{"rpc", "doesn't end", "deaf nolifeline interrupt", ""},
	{"rpc", "reads what isn't its own", "stdin environ tty", ""},
	{"rpc", "uses go-plugin's broker", "", "core/host/dial_test.go:TestBrokerIsOff"},
	{"plan", "a descriptor that is no good", "othername descriptor requires badoption impure", ""},
	{"plan", "a step that doesn't exist", "unknownstep latestep", ""},
	{"plan", "a kind, target or name of another", "", "core/plan/merge_test.go:TestMergeReportsEveryConflictByName"},
	{"plan", "a path that leads elsewhere, an attribute that is none", "", "ns/check_test.go:TestCheckSteps"},
	{"plan", "an id map that is none, a variable of the loader", "", "ns/check_test.go:TestCheckOffer"},
	{"plan", "not twice the same", "fickle fickle-review pid", ""},
	{"plan", "ignores or refuses badly", "lax anyvalue baddiag rudely badcheck", ""},
	{"plan", "tells secrets", "sensitive", ""},
	{"plan", "does something to the child", "stopchild", ""},
	{"hook", "says that it did what it didn't", "", "ns/check_test.go:TestCheckWritten"},
	{"undo", "fails, hangs, or works once", "undofails undohangs undoonce needskey", ""},
	{"undo", "leaves something", "leftover needsstate undohalf helperstays helperwithoutid", ""},
	{"undo", "takes what is another run's", "undoall", ""},
	{"check", "says nothing, or changes something", "checksnothing repairs", ""},
	{"update", "does what can't be done, or something else", "updatesall updatesothers updatelitter", ""},
}

// notBroken are the modes that behave, that tests ask something of, and those of
// programs that others start.
var notBroken = []string{"good", "wantsuser", "place", "helper", "listen", "sleeper"}

// leaves is why nsrun can't report a plugin that leaves something, or takes it.
const leaves = "nsrun can't tell what a plugin leaves on the host, or takes, from what others do there"

// harmless are the modes that nsrun has nothing to report of, and why. Only the
// conformance kit catches them.
var harmless = map[string]string{
	"byhand":   "nsrun starts no plugin by hand",
	"anyvalue": "nsrun checks values itself: ns/settings_test.go", "lax": "nsrun refuses unknown options itself: ns/settings_test.go",
	"fickle": "nsrun merges what it was answered this time", "fickle-review": "nsrun heeds what it was answered this time",
	"impure":    "nsrun takes the description of this time",
	"sensitive": "nsrun can't tell a value in a log from other words",
	"stopchild": "nsrun can't tell who stopped the child",
	"tty":       "nsrun doesn't look what a plugin opens", "fdleak": "a descriptor ends with the process",
	"future": "nsrun calls no method from the future", "strict": "nsrun sends no fields from the future",
	"giveup": "nsrun ends a plugin whose call it gave up", "glutton": "nsrun keeps requests within the limits",
	"interrupt": "an interrupt of the terminal doesn't reach the process group of a plugin",
	"serial":    "nsrun asks a plugin once for a run",
	"litter":    leaves, "checklitter": leaves, "listener": leaves, "leftover": leaves, "needsstate": leaves,
	"undohalf": leaves, "undoall": leaves, "helperstays": leaves, "repairs": leaves, "updatelitter": leaves,
	"updatesall":      "nsrun doesn't know what values mean",
	"helperwithoutid": "the front looks at helpers: e2e/testdata/script/pasta-and-slirp4netns-end-with-the-run.txtar",
	"checksnothing":   "the front says so: core/checkrun_test.go",
}

// flooded is why the kit lets a plugin print as much as it likes.
const flooded = "[L-3]: nsrun reads it all and keeps a little"

// tolerable are the modes that the kit has no test of, and why: most break no
// demand on a plugin.
var tolerable = map[string]string{
	"ansi":         "[G-2]: nsrun makes texts fit for a terminal",
	"millionsteps": "the check that catches manysteps catches it as well",
	"environ":      "a plugin may read what it was given",
	"flood-stdout": flooded, "flood-stderr": flooded, "flood-stream": flooded, "longline": flooded,
}

// modes returns the modes that there are: keys of the tables, and names that the
// code compares with.
func modes(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, file := range []string{"answer.go", "handshake.go", "main.go", "offer.go", "start.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\t"([a-z0-9-]+)":\s+|mode [=!]= "([a-z0-9-]+)"|^\tcase "([a-z0-9-]+)":`).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1]+m[2]+m[3])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// tests returns the text of the tests of a directory.
func tests(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestEveryModeHasARow(t *testing.T) {
	var known []string
	for _, r := range rows {
		known = append(known, strings.Fields(r.modes)...)
	}
	all := modes(t)
	if len(all) < 70 {
		t.Errorf("only %d modes were found", len(all))
	}
	for _, mode := range all {
		if !slices.Contains(known, mode) && !slices.Contains(notBroken, mode) {
			t.Errorf("no row has the mode %s", mode)
		}
	}
	for _, mode := range known {
		if !slices.Contains(all, mode) {
			t.Errorf("a row has the mode %s, which there isn't", mode)
		}
	}
}

func TestEveryRowIsTested(t *testing.T) {
	host, kit := tests(t, "../../core/host"), tests(t, "../../nsplugin/conform")
	for _, r := range rows {
		if (r.modes == "") == (r.elsewhere == "") {
			t.Errorf("%s: %s: has neither modes nor a test elsewhere, or both", r.stage, r.what)
		}
		for _, mode := range strings.Fields(r.modes) {
			if (harmless[mode] == "") != strings.Contains(host, `"`+mode+`"`) {
				t.Errorf("%s: %s: mode %s: core/host has no test of it and nothing says why, or both", r.stage, r.what, mode)
			}
			if (tolerable[mode] == "") != strings.Contains(kit, `"`+mode+`"`) {
				t.Errorf("%s: %s: mode %s: nsplugin/conform has no test of it and nothing says why, or both", r.stage, r.what, mode)
			}
		}
		if file, name, ok := strings.Cut(r.elsewhere, ":"); ok {
			text, err := os.ReadFile(filepath.Join("../..", file))
			if err != nil || !strings.Contains(string(text), "\nfunc "+name+"(") {
				t.Errorf("%s: %s: no %s in %s: %v", r.stage, r.what, name, file, err)
			}
		}
	}
}
