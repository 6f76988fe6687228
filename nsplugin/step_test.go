// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"testing"
	"time"

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
		Overlay("/a", "/b", ""),
		Mask("/proc/keys"),
		Remount("/proc/sys", ns.ReadOnly),
		Rlimit("nofile", 64, ns.RlimitInfinity),
		Caps(ns.Caps{Keep: 3, Ambient: 1}),
		Landlock("fs", "signal"),
		LandlockPath("/usr", "read", "execute"),
		LandlockPort(443, "connect-tcp"),
		TimeOffset("boottime", -time.Hour),
		Seccomp([]ns.FilterInstr{{Code: 6}}, true),
	}
	req := &ns.Request{Kinds: ns.Kinds()}
	for _, d := range ns.CheckOffer(&ns.Descriptor{}, req, &ns.Offer{Steps: steps}) {
		t.Error(d.Summary)
	}
	seen := map[ns.Op]bool{}
	for _, s := range steps {
		seen[s.Op] = true
	}
	if len(seen) != 23 {
		t.Errorf("steps have %d ops, and there are 23", len(seen))
	}
	same(t, "symlink", Symlink("/run", "/var/run"), ns.Step{Op: ns.OpSymlink, Target: "/var/run", Data: "/run"})
	same(t, "inside", Inside(LinkUp("lo")), ns.Step{Op: ns.OpLinkUp, Target: "lo", Phase: ns.Inside})
}
