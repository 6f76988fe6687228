// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// TestCheckTellsOfConfiguredNetworks has one network after the other in the directory
// of configurations, each with something else to be said.
func TestCheckTellsOfConfiguredNetworks(t *testing.T) {
	h := newHost(t)
	for _, tt := range []struct {
		name, file, text string
		want             []string // "notice: ..." or "warning: ...", parts of a finding
	}{
		{"sound, with a range", "a.conflist", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "lab0",
			"ipam": {"type": "host-local", "dataDir": "DIR/leases", "ranges": [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.12"}]]}}]}`,
			[]string{"notice: network lab: DIR/a.conflist, CNI plugins bridge, host-local", "notice: network lab: nothing is in the way of bridge lab0",
				"warning: network lab: 1 of 3 addresses of 10.1.0.0/24 are leased, 0 by living runs"}},
		{"the older form", "a.conf", `{"cniVersion": "0.4.0", "name": "old", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "dataDir": "DIR/none"}}`,
			[]string{"notice: network old: DIR/a.conf, CNI plugins bridge, host-local", "notice: network old: 0 of 253 addresses"}},
		{"without its plugin", "a.conflist", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "brigde"}]}`,
			[]string{`warning: network lab: read network lab: DIR/a.conflist:1: plugins[0].type: no CNI plugin "brigde"`}},
		{"no JSON", "a.conflist", `{`, []string{"warning: network in DIR/a.conflist: read network DIR/a.conflist: DIR/a.conflist:1: unexpected end"}},
		{"not ready", "a.conflist", `{"cniVersion": "1.1.0", "name": "lab", "plugins": [{"type": "late"}]}`,
			[]string{"notice: network lab: DIR/a.conflist", "warning: network lab: STATUS of CNI plugin late: not yet"}},
		{"ready", "a.conflist", `{"cniVersion": "1.1.0", "name": "lab", "plugins": [{"type": "loopback"}]}`,
			[]string{"notice: network lab: DIR/a.conflist", "notice: network lab: STATUS of its CNI plugins"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{tt.file: tt.text, "leases/lab/10.1.0.10": "gone\r\neth0",
				"bin/late": "#!/bin/sh\n[ $CNI_COMMAND != STATUS ] || { echo '{\"code\": 50, \"msg\": \"not yet\"}'; exit 1; }\n"} {
				must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
				must(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o755))
			}
			n := &network{ConfDir: dir, bundled: h.binDir, BinDir: []string{dir + "/bin"}}
			found := n.checkConfigured(t.Context(), ns.Facts{})
			if len(found) != len(tt.want) {
				t.Errorf("%d findings", len(found))
			}
			for i, d := range found {
				if got := strings.ReplaceAll(string(d.Severity)+": "+d.Summary, dir, "DIR"); i < len(tt.want) && !strings.HasPrefix(got, tt.want[i]) {
					t.Errorf("finding %d: %s\nwant %s", i, got, tt.want[i])
				}
			}
		})
	}
}
