// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func TestStepsAreWhatNsrunTakes(t *testing.T) {
	steps := []ns.Step{
		Propagation("/", "private"),
		Rootfs("/srv", ns.ReadOnly),
		Bind("/a", "/b", ns.ReadOnly, ns.NoSUID),
		IfExists(Bind("/a", "/b")),
		Mount("proc", "/proc", "hidepid=invisible", ns.NoSUID),
		Tmpfs("/tmp", "size=1m"),
		File("/etc/hosts", "127.0.0.1 localhost\n", 0),
		Mkdir("/d", 0o700),
		Symlink("/run", "/var/run"),
		Pivot(),
		Hostname("box"),
		Domainname("lan"),
		Inside(LinkUp("lo")),
		Sysctl("net.ipv4.ip_forward", "1"),
		Init(),
	}
	req := &ns.Request{Kinds: ns.Kinds()}
	for _, d := range ns.CheckOffer(&ns.Descriptor{}, req, &ns.Offer{Steps: steps}) {
		t.Error(d.Summary)
	}
	seen := map[ns.Op]bool{}
	for _, s := range steps {
		seen[s.Op] = true
	}
	if len(seen) != 13 {
		t.Errorf("steps have %d ops, and there are 13", len(seen))
	}
	same(t, "symlink", Symlink("/run", "/var/run"), ns.Step{Op: ns.OpSymlink, Target: "/var/run", Data: "/run"})
	same(t, "inside", Inside(LinkUp("lo")), ns.Step{Op: ns.OpLinkUp, Target: "lo", Phase: ns.Inside})
}
