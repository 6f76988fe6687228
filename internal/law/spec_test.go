// SPDX-License-Identifier: Apache-2.0

package law

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// demand is a paragraph of SPEC.md with an id.
type demand struct{ id, text string }

var (
	demandLine = regexp.MustCompile(`^- \[([A-Z]-\d+)\] `)
	checkID    = regexp.MustCompile(`\bID: "([A-Z]-\d+)"`)
)

// readDemands returns the demands of SPEC.md, and the lines that demand something
// outside of any: a demand ends before the next line that isn't indented.
func readDemands(t *testing.T) (demands []demand, strays []string) {
	t.Helper()
	spec, err := os.ReadFile("../../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	within := false
	for line := range strings.Lines(string(spec)) {
		m := demandLine.FindStringSubmatch(line)
		switch {
		case m != nil:
			within = true
			demands = append(demands, demand{m[1], line})
		case within && (strings.HasPrefix(line, "  ") || line == "\n"):
			demands[len(demands)-1].text += line
		default:
			within = false
			if strings.Contains(line, "MUST") {
				strays = append(strays, strings.TrimSpace(line))
			}
		}
	}
	return demands, strays
}

// preface are the lines that speak of the word itself.
var preface = []string{"The words MUST, MUST NOT"}

func TestEveryMustOfSPECHasAnID(t *testing.T) {
	demands, strays := readDemands(t)
	if len(demands) < 90 {
		t.Errorf("only %d demands were found", len(demands))
	}
	for _, line := range strays {
		if !slices.ContainsFunc(preface, func(p string) bool { return strings.HasPrefix(line, p) }) {
			t.Errorf("SPEC.md: no id has %q", line)
		}
	}
}

// citedByKit returns the ids that the checks of the conformance kit cite.
func citedByKit(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../nsplugin/conform/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range checkID.FindAllStringSubmatch(string(text), -1) {
			ids = append(ids, m[1])
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestEveryMustOfSPECIsTested(t *testing.T) {
	demands, _ := readDemands(t)
	kit := citedByKit(t)
	known := map[string]bool{}
	for _, d := range demands {
		known[d.id] = true
		if strings.Contains(d.text, "MUST") && !slices.Contains(kit, d.id) && testedElsewhere[d.id] == "" {
			t.Errorf("[%s] is tested by no check of the kit, and by nothing in testedElsewhere: %.150s", d.id, d.text)
		}
	}
	for _, id := range kit {
		if !known[id] {
			t.Errorf("the kit cites [%s], which SPEC.md doesn't have", id)
		}
	}
	for id, place := range testedElsewhere {
		if !known[id] {
			t.Errorf("testedElsewhere has [%s], which SPEC.md doesn't have", id)
		}
		wantTest(t, id, place)
	}
}

// wantTest wants the test that place names, FILE:FUNCTION or a script.
func wantTest(t *testing.T, id, place string) {
	t.Helper()
	file, name, _ := strings.Cut(place, ":")
	text, err := os.ReadFile(filepath.Join("../..", file))
	if err != nil {
		t.Errorf("[%s]: %v", id, err)
		return
	}
	if name != "" && !strings.Contains(string(text), "\nfunc "+name+"(") {
		t.Errorf("[%s]: %s has no %s", id, file, name)
	}
}

// TestSPECListsTheChecksOfTheKit keeps section 15 true.
func TestSPECListsTheChecksOfTheKit(t *testing.T) {
	spec, err := os.ReadFile("../../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(spec), "\n## 15. ")
	var listed []string
	for _, m := range regexp.MustCompile(`\[([A-Z]-\d+)\]`).FindAllStringSubmatch(list, -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if want := citedByKit(t); !slices.Equal(listed, want) {
		t.Errorf("section 15 lists\n%v\nand the kit checks\n%v", listed, want)
	}
}

// testedElsewhere are the demands that the kit can't see kept: those on nsrun,
// and those on a plugin that show only in what it does for one purpose.
var testedElsewhere = map[string]string{
	"H-6":  "core/host/bad_test.go:TestPluginsWithABadHandshake",
	"L-3":  "core/host/bad_test.go:TestOddPlugins",
	"R-2":  "core/host/bad_test.go:TestPluginsWithBadAnswers",
	"R-6":  "ns/check_test.go:TestCheckDescriptor",
	"R-7":  "ns/check_test.go:TestCheckSteps",
	"R-8":  "ns/check_test.go:TestCheckSteps",
	"R-9":  "ns/check_test.go:TestCheckDescriptor",
	"S-1":  "core/flags/flags_test.go:TestParse",
	"S-2":  "ns/settings_test.go:TestAllThatIsWrongIsReported",
	"S-3":  "ns/settings_test.go:TestResolveSettings",
	"N-3":  "e2e/testdata/script/cache-asks-only-whom-it-must.txtar",
	"N-5":  "core/plan/merge_test.go:TestMergeReportsEveryConflictByName",
	"N-7":  "ns/check_test.go:TestCheckOffer",
	"N-8":  "core/plan/merge_test.go:TestMergeTellsWhatBecomesOfEachKind",
	"N-9":  "e2e/testdata/script/net-join-checks-what-it-enters.txtar",
	"N-11": "ns/check_test.go:TestCheckWritten",
	"N-10": "e2e/testdata/script/user-is-root-inside-and-nobody-new-outside.txtar",
	"W-1":  "e2e/testdata/script/policy-holds-every-run.txtar",
	"W-3":  "e2e/testdata/script/policy-holds-every-run.txtar",
	"W-4":  "core/cache/store_test.go:TestPutKeepsNothingThatDependsOnAFileChangedSinceTheQuestion",
	"T-1":  "ns/check_test.go:TestCheckSteps",
	"T-2":  "core/plan/merge_test.go:TestMergeRefusesStepsOnWhatIsNotTheRuns",
	"T-3":  "ns/check_test.go:TestCheckSteps",
	"T-5":  "core/stage/swap_test.go:TestSwappingLinksInARootDirectoryDoesNotLeadOut",
	"T-6":  "ns/check_test.go:TestCheckSteps",
	"T-9":  "core/stage/namespaces_test.go:TestAFailingStepIsNamed",
	"T-10": "core/stage/mounts_test.go:TestMountsStayInsideWhereTheHostsAreShared",
	"T-12": "core/stage/confine_test.go:TestCapabilitiesAreCutDownToThoseKept",
	"T-13": "core/stage/confine_test.go:TestLandlockAllowsWhatTheRulesSay",
	"T-14": "core/stage/confine_test.go:TestTheInitOfARestrictedCommandIsRestricted",
	"T-15": "core/stage/inputs_test.go:TestAFileIsFilledFromWhatTheCallerGave",
	"T-16": "core/stage/inputs_test.go:TestADirectoryInTheHostsTreeIsMadeForTheRunAlone",
	"T-17": "e2e/testdata/script/exec-is-held-as-the-run-is.txtar",
	"T-18": "core/stage/idmapped_test.go:TestIDMappedFilesHaveTheIDsThatTheyHaveOnDisk",
	"E-2":  "core/journal/journal_test.go:TestOwedIsEveryIntentNotUndoneLatestFirst",
	"E-4":  "e2e/testdata/script/hooks-run-in-order-and-are-undone-in-reverse.txtar",
	"E-5":  "plugins/user/user_test.go:TestMapIsReadBack",
	"E-7":  "e2e/testdata/script/pasta-and-slirp4netns-end-with-the-run.txtar",
	"E-8":  "core/journal/lifeline_test.go:TestTheLifelineIsAtItsEndWhenTheRunIs",
	"U-2":  "e2e/testdata/script/hooks-run-in-order-and-are-undone-in-reverse.txtar",
	"U-3":  "plugins/net/failure_test.go:TestFailedDelGoesOn",
	"U-4":  "e2e/testdata/script/hooks-run-in-order-and-are-undone-in-reverse.txtar",
	"M-1":  "core/update_test.go:TestOnlyWhoCanIsAskedToChangeARun",
	"U-7":  "core/journal/boot_test.go:TestARunOfAnEarlierBootIsUndoneByItsIDAlone",
	"M-2":  "core/journal/edit_test.go:TestTheRunsEndKnowsOfUpdates",
	"M-5":  "core/journal/edit_test.go:TestTheEndOfARunWaitsForAnUpdate",
	"C-4":  "e2e/testdata/script/hooks-run-in-order-and-are-undone-in-reverse.txtar",
	"C-6":  "e2e/testdata/script/networks-are-checked.txtar",
	"G-2":  "core/host/bad_test.go:TestDiagnosticsOfThePluginAreFitForATerminal",
	"V-1":  "core/host/bad_test.go:TestPluginsWithABadHandshake",
	"V-3":  "core/host/bad_test.go:TestPluginsWithBadAnswers",
}
