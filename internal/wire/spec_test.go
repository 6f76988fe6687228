// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
)

func readSpec(t *testing.T) string {
	t.Helper()
	spec, err := os.ReadFile("../../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(spec)
}

// section returns the part of spec below the heading that starts with title.
func section(t *testing.T, spec, title string) string {
	t.Helper()
	_, rest, ok := strings.Cut(spec, "\n## "+title)
	if !ok {
		t.Fatalf("SPEC.md has no section %q", title)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	return body
}

func TestSpecIDsAreDefinedOnce(t *testing.T) {
	spec := readSpec(t)
	defined := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^- (\[[A-Z]-\d+\])`).FindAllStringSubmatch(spec, -1) {
		defined[m[1]]++
	}
	if len(defined) < 50 {
		t.Errorf("only %d demands have an id", len(defined))
	}
	for id, n := range defined {
		if n > 1 {
			t.Errorf("%s is defined %d times", id, n)
		}
	}
	for _, file := range []string{"../../SPEC.md", "../../nsplugin/conform/life.go", "../../sdk/python/nsrun.py"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range regexp.MustCompile(`\[[A-Z]-\d+\]`).FindAllString(string(text), -1) {
			if defined[id] == 0 {
				t.Errorf("%s names %s, which SPEC.md doesn't define", file, id)
			}
		}
	}
}

// inSection says where SPEC.md explains the fields of each message.
var inSection = map[string]string{
	"DescribeResponse": "5.", "Descriptor": "5.", "Option": "6.", "Setting": "6.",
	"NegotiateRequest": "7.", "NegotiateResponse": "7.", "Facts": "7.", "Offer": "7.", "Freshness": "7.", "ReviewRequest": "7.", "ReviewResponse": "7.", "Member": "7.",
	"EnvVar": "7.", "Join": "7.", "IDMap": "7.", "Extent": "7.", "Step": "8.", "PreExecRequest": "9.", "Run": "9.", "PreExecResponse": "9.", "Helper": "9.",
	"PostExecRequest": "10.", "PostExecResponse": "10.", "UpdateRequest": "10.", "UpdateResponse": "10.", "CheckRequest": "11.", "CheckResponse": "11.", "Diagnostic": "12.",
	"DescribeRequest": "5.",
}

func TestSpecExplainsEveryField(t *testing.T) {
	spec := readSpec(t)
	messages := pb.File_nsrun_plugin_v1_plugin_proto.Messages()
	for i := range messages.Len() {
		m := messages.Get(i)
		title := inSection[string(m.Name())]
		if title == "" {
			t.Errorf("no section explains the message %s", m.Name())
			continue
		}
		text := section(t, spec, title)
		eachField(m, func(name protoreflect.Name) {
			// Field names of PostExecResponse and its like are explained in words.
			if !strings.Contains(text, "`"+string(name)+"`") && !strings.Contains(text, "."+string(name)+"`") && name != "diagnostics" && name != "offer" {
				t.Errorf("section %s doesn't explain %s.%s", title, m.Name(), name)
			}
		})
	}
}

func eachField(m protoreflect.MessageDescriptor, f func(protoreflect.Name)) {
	for i := range m.Fields().Len() {
		f(m.Fields().Get(i).Name())
	}
}

func TestSpecHasTheClosedSets(t *testing.T) {
	spec := readSpec(t)
	for title, words := range map[string][]string{
		"5.":  {string(ns.PreExec), string(ns.PostExec)},
		"6.":  texts[string]([]ns.OptionType{ns.String, ns.Bool, ns.Int, ns.Duration, ns.Path}),
		"12.": {"error", string(ns.Warning), string(ns.Notice)},
		"8.": append(texts[string]([]ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev, ns.NoExec, ns.NoAtime, ns.StrictTime, ns.IDMapped}),
			"setup", string(ns.Inside)),
	} {
		for _, word := range words {
			if !strings.Contains(section(t, spec, title), "`"+word+"`") {
				t.Errorf("section %s lacks `%s`", title, word)
			}
		}
	}
	order := strings.Join(texts[string](ns.Kinds()), "`, `")
	if !strings.Contains(spec, "`"+order+"`") {
		t.Errorf("the kinds are not there in rank order: %s", order)
	}
}

// TestSpecHasEveryOp compares the table of ops with what ns takes.
func TestSpecHasEveryOp(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([a-z]+|see \\[T-6\\]) \\|").FindAllStringSubmatch(section(t, readSpec(t), "8."), -1)
	if len(rows) != 23 {
		t.Errorf("the table has %d ops, and there are 23", len(rows))
	}
	for _, row := range rows {
		need, known := ns.Op(row[1]).Needs()
		if !known || need != "" && string(need) != row[2] || need == "" && row[2] != "nothing" && row[1] != string(ns.OpSysctl) {
			t.Errorf("op %s needs %q, and SPEC.md says %q", row[1], need, row[2])
		}
	}
}

func TestSpecHasTheLimits(t *testing.T) {
	limits := section(t, readSpec(t), "4.")
	for _, want := range []string{
		fmt.Sprintf("| message | %d MiB |", MaxMessage>>20),
		fmt.Sprintf("| any string | %d KiB |", ns.MaxString>>10),
		fmt.Sprintf("| path | %d bytes |", ns.MaxPath),
		fmt.Sprintf("| steps in one answer | %d |", ns.MaxSteps),
		fmt.Sprintf("| options of one plugin | %d |", ns.MaxOptions),
		fmt.Sprintf("| entries of any other list or map | %d |", ns.MaxList),
		fmt.Sprintf("| lines of an id map | %d,", ns.MaxExtents),
		fmt.Sprintf("| state | %d MiB |", ns.MaxState>>20),
	} {
		if !strings.Contains(limits, want) {
			t.Errorf("section 4 lacks %q", want)
		}
	}
	if spec := readSpec(t); !strings.Contains(spec, CookieKey+"="+CookieValue) || !strings.Contains(spec, EnvLifeline) || !strings.Contains(spec, EnvLogLevel) {
		t.Error("SPEC.md lacks an environment variable")
	}
}
