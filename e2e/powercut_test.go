// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// The rounds of TestPowerCutLeavesNothing: a second each.
const (
	cuts     = 10
	longCuts = 200
)

// TestPowerCutLeavesNothing keeps the runs on a disk, as where /run isn't in memory, and
// cuts the power at random moments of a run: a copy of the disk's blocks has what was
// written to it by then, and not what the kernel still held. Then another host, which has
// nothing of the first in its kernel, starts with the copy: gc must undo what the disk
// says of a run, and the next start the rest, such as a lease that is empty.
func TestPowerCutLeavesNothing(t *testing.T) {
	requireRoot(t)
	requireProgram(t, "mkfs.ext4")
	rounds := cuts
	if long() {
		rounds = longCuts
	}
	host := newAlone(t)
	host.run(t, makeDisk)
	host.run(t, "nsrun "+powered+" true") // makes what all runs share, warms the cache
	found := 0
	for i := range rounds {
		out := host.run(t, cutPower(i%2 == 0, rand.IntN(300), rand.IntN(300)))
		found += strings.Count(out, "found a run")
		if _, left, _ := strings.Cut(out, "left:"); strings.TrimSpace(left) != "" {
			t.Errorf("round %d: %s", i, out)
		}
	}
	if found < rounds/3 {
		t.Errorf("only %d of %d cuts left a run on the disk: the test shows nothing", found, rounds)
	}
}

// powered is how the run is started that loses its power.
const powered = "--plugins pid,net,mount -p 18099:80"

// makeDisk puts a small ext4 below /run/nsrun.
const makeDisk = `
truncate -s 8M /mnt/disk
mkfs.ext4 -q /mnt/disk
mkdir -m 700 /run/nsrun
mount -o loop /mnt/disk /run/nsrun
chmod 700 /run/nsrun`

// cutPower returns a script that starts a run, copies the disk after so many milliseconds,
// and starts another host with the copy. If all is written to the disk at once, it has
// what the run had written; if not, what it had when the kernel last wrote all, so many
// milliseconds before, and what has come by itself since.
func cutPower(atOnce bool, before, after int) string {
	mode := "async"
	if atOnce {
		mode = "sync"
	}
	return fmt.Sprintf(`
mount -o remount,%s /run/nsrun
nsrun %s sleep 5151 & run=$!
sleep 0.%03d; sync -f /run/nsrun
sleep 0.%03d
# The kernel may be writing: two copies that are alike are of one moment.
until cp /mnt/disk /mnt/cut && cmp -s /mnt/disk /mnt/cut; do :; done
kill -KILL $run; wait $run 2>/dev/null
nsctl gc >/dev/null
unshare -n -m sh -c %s
rm /mnt/cut`, mode, powered, before, after, quote(afterTheCut))
}

// afterTheCut is what happens on the host that starts with the copy.
const afterTheCut = `
umount /run/nsrun
mount -o loop /mnt/cut /run/nsrun
echo 11111111-2222-4333-8444-555555555555 >/mnt/boot
mount --bind /mnt/boot /proc/sys/kernel/random/boot_id
ip link set lo up
[ "$(ls /run/nsrun/runs)" ] && echo found a run
nsctl gc 2>&1
ls -d /run/nsrun/runs/* 2>/dev/null && echo left: by gc
nsrun ` + powered + ` true 2>&1
for i in $(seq 100); do ls -d /run/nsrun/p/?* 2>/dev/null >&2 || break; sleep 0.1; done # its plugin host may take a moment
echo left: $(find /run/nsrun -mindepth 2 -not -name lock | grep -E "runs/|/p/.|ports/.|[0-9]+\.[0-9]+\.[0-9]+\.") $(nft list ruleset | grep -E "dnat|ip saddr") $(ip -o link show type veth)
umount /run/nsrun`

// quote makes a script one word of another.
func quote(script string) string { return "'" + strings.ReplaceAll(script, "'", `'\''`) + "'" }

// requireProgram skips the test where a program isn't installed.
func requireProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		skip(t, err.Error())
	}
}
