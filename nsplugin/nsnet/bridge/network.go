// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Dir is where all files are kept. The kernel's side of a network is gone after a
// reboot, and what is on /run is gone then, too.
const Dir = "/run/nsrun/native"

// DefaultDevice is the bridge of the default network.
const DefaultDevice = "nsrunn0"

// StandardSubnet is the default network. It is none of those that container
// engines, libvirt and Kubernetes take by default, nor that of nsrun-plugin-net.
var StandardSubnet = netip.MustParsePrefix("10.178.0.0/16")

// network is one bridge with its addresses. Each choice of subnets has a bridge of
// its own, whose name is the network's.
type network struct {
	device  string
	subnets nsnet.Subnets
}

func newNetwork(subnets nsnet.Subnets) network {
	if slices.Equal(subnets, nsnet.Subnets{StandardSubnet}) {
		return network{DefaultDevice, subnets}
	}
	return network{"nsrunn-" + subnets.Tag(), subnets} // 15 bytes, the most that the kernel takes
}

// leases are the addresses of the network's sandboxes.
func (n network) leases() leases { return leases(filepath.Join(Dir, "networks", n.device)) }

// lockFile is the file of the lock.
const lockFile = Dir + "/lock"

// lock keeps others from changing what sandboxes share, the leases, the bridges and
// the table, until unlock is called.
func lock() (unlock func(), err error) { return nsnet.LockFile(lockFile) }

// lockToUndo is lock for those who undo. Where the file isn't there and can't be made,
// as on a full disk, nobody has the lock.
func lockToUndo() (unlock func(), err error) {
	unlock, err = lock()
	if _, missing := os.Stat(lockFile); err != nil && errors.Is(missing, fs.ErrNotExist) {
		return func() {}, nil
	}
	return unlock, err
}
