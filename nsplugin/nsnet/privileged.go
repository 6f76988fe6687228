// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// CheckPrivileged returns an error for a caller who can't make interfaces and rules
// on the host. purpose is what fails without: "attach to a CNI network".
func CheckPrivileged(facts ns.Facts, purpose string) error {
	const hint = "--plugins net=pasta, which needs no root, or net=none, which has lo only"
	if !facts.Root() {
		return nsplugin.Errorf("%s: %w", purpose, unix.EPERM).
			WithDetail(fmt.Sprintf("it makes interfaces and rules on the host, which needs root; this is user %d", facts.UID)).WithHint(hint)
	}
	var errs []error
	for _, need := range []struct {
		name string
		bit  uint
	}{{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN}, {"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}} {
		if !capable(need.bit) {
			errs = append(errs, nsplugin.Errorf("%s: %w", purpose, unix.EPERM).
				WithDetail("it needs the capability "+need.name+", which root lacks here").WithHint(hint))
		}
	}
	return errors.Join(errs...)
}

// capable reports whether this process has a capability; capabilities(7).
func capable(bit uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return true // let the kernel refuse what it refuses
	}
	return data[bit/32].Effective&(1<<(bit%32)) != 0
}
