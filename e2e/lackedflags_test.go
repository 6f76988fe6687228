// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// TestBackendsRefuseFlagsThatTheyLack gives each network backend all flags that only
// others have. It refuses each, by the names of those that have it.
func TestBackendsRefuseFlagsThatTheyLack(t *testing.T) {
	requireRoot(t)
	backends := networkPlugins(t)
	for _, b := range backends {
		t.Run(b.Name, func(t *testing.T) {
			lacked := flagsLackedBy(b, backends)
			args := []string{"--plugins", "net=" + b.Name}
			for _, flag := range slices.Sorted(maps.Keys(lacked)) {
				args = append(args, "--"+flag+"=x")
			}
			cmd := exec.Command(binDir+"/nsrun", append(args, "touch", "ran")...)
			cmd.Dir, cmd.Env = t.TempDir(), hostEnv()
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 125 || exists(cmd.Dir+"/ran") {
				t.Errorf("exit status %d", code)
			}
			for flag, havers := range lacked {
				want := fmt.Sprintf("nsrun: unknown flag --%s\n  cause: the plugin %s, which fills net in this run, does not have it\n  try:   --plugins %s instead of %s\n",
					flag, b.Name, strings.Join(havers, " or "), b.Selector())
				if !strings.Contains(string(out), want) {
					t.Errorf("got\n%s\nwant\n%s", out, want)
				}
			}
		})
	}
}

// flagsLackedBy returns the flags that others have and b lacks, each with those that
// have it, as they are chosen: net, which is chosen by its kind alone, comes first.
func flagsLackedBy(b *ns.Descriptor, others []*ns.Descriptor) map[string][]string {
	lacked := map[string][]string{}
	for _, d := range others {
		for _, o := range d.Options {
			if slices.ContainsFunc(b.Options, func(has ns.Option) bool { return has.Name == o.Name }) {
				continue
			}
			at := len(lacked[o.Name])
			if d.Selector() == string(ns.Net) {
				at = 0
			}
			lacked[o.Name] = slices.Insert(lacked[o.Name], at, d.Selector())
		}
	}
	return lacked
}
