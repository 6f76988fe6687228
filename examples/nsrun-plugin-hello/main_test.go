// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) { nstest.Test(t, &hello{}) }

func TestGreetingIsInTheEnvironment(t *testing.T) {
	p := nstest.Start(t, &hello{})
	offer := p.Negotiate(&ns.Request{Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}}})
	if len(offer.Env) != 1 || offer.Env[0] != (ns.EnvVar{Name: "HELLO", Value: "you"}) {
		t.Errorf("environment is %v", offer.Env)
	}
}

// TestDocumentedCodeIsThisCode compares the code in the document about writing
// plugins with code that is compiled and tested.
func TestDocumentedCodeIsThisCode(t *testing.T) {
	var tested string
	for _, file := range []string{"main.go", "main_test.go", "../../nsplugin/example_test.go"} {
		tested += read(t, file)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "../../docs/writing-a-plugin.md"), -1)
	if len(blocks) < 6 {
		t.Errorf("found %d blocks of code", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(tested, block[1]) {
			t.Errorf("this code is in no tested file:\n%s", block[1])
		}
	}
}

func TestExplanationIsTheDocumentedOne(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "nsrun-plugin-hello")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	said, _ := exec.Command(binary).CombinedOutput()
	if doc := read(t, "../../docs/writing-a-plugin.md"); !strings.Contains(doc, "$ ./nsrun-plugin-hello\n"+string(said)+"```") {
		t.Errorf("the document has another text than this:\n%s", said)
	}
}

func TestExampleIsShort(t *testing.T) {
	if n := strings.Count(read(t, "main.go"), "\n"); n > 30 {
		t.Errorf("the example has %d lines; a first plugin fits in 30", n)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
