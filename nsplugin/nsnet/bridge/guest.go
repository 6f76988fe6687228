// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	nft "github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Guest is a run whose sandbox has its place on a network that others make, as CNI
// plugins do, and that is led to the host's loopback from there: by the same table as
// sandboxes on bridges of this package. Without ways it has the table guard the interface,
// which others open.
type Guest struct {
	// RunID is the run's id, by which all of it is found again. Required.
	RunID string `json:"runId"`
	// Device is the interface of the host by which the sandbox's packets come. Required.
	Device string `json:"device"`
	// Own says that nobody but the backend's runs needs the interface open: with the last
	// guest it is shut, whoever has opened it. Optional.
	Own bool `json:"own,omitempty"`
	// Ways are where the sandbox may ask. Optional.
	Ways []Way `json:"ways,omitempty"`
	// Ports are those of each way's Host that lead to HostIP and HostPort on the host's
	// IPv4 loopback. Optional.
	Ports []nsnet.Mapping `json:"ports,omitempty"`
}

// NewGuest returns the guest with such ways, whose Device it finds by the host's routes to
// the sandbox. It returns an error if the ways don't lead from one interface to addresses
// of this host. It changes nothing.
func NewGuest(runID string, ways []Way, ports []nsnet.Mapping) (*Guest, error) {
	k, err := Open()
	if err != nil {
		return nil, err
	}
	defer k.Close()
	g := &Guest{RunID: runID, Ways: ways, Ports: ports}
	for _, y := range ways {
		device, err := k.deviceOf(y)
		if err != nil {
			return nil, err
		}
		if g.Device != "" && g.Device != device {
			return nil, fmt.Errorf("the sandbox is behind both %s and %s", g.Device, device)
		}
		g.Device = device
	}
	return g, nil
}

// Admit guards the interface, which need not be there yet, and opens the ways if there are
// any. It may be called again, with more. What it is about to do is written down first;
// [Dismiss] undoes it, however far it came.
func (g *Guest) Admit() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	k, err := Open()
	if err != nil {
		return err
	}
	defer k.Close()
	if err := g.write(); err != nil {
		return fmt.Errorf("write down what is to be undone: %w", err)
	}
	if _, err := k.ensureTable(); err != nil {
		return err
	}
	// In the table before the interface is open: see the chain "guard".
	if err := k.addGuest(g); err != nil {
		return err
	}
	if len(g.Ways) == 0 {
		return nil
	}
	return openLocalnet(g.Device)
}

// Dismiss closes the ways of a run, and what was open for it alone. It succeeds if the run
// is no guest.
func Dismiss(runID string) error {
	if !isGuest(runID) {
		return nil
	}
	unlock, err := lockToUndo()
	if err != nil {
		return err
	}
	defer unlock()
	g, others, err := readGuests(runID)
	if err != nil {
		return err
	}
	if g != nil {
		if err := g.remove(others); err != nil {
			return err
		}
	}
	return dropGuest(runID)
}

// remove closes the ways; others are all other guests. The guard of the interface goes
// last.
func (g *Guest) remove(others []*Guest) error {
	k, err := Open()
	if err != nil {
		return err
	}
	defer k.Close()
	shared := slices.ContainsFunc(others, func(o *Guest) bool { return o.Device == g.Device })
	if !shared {
		if err := closeLocalnet(g.Device, g.Own); err != nil {
			return err
		}
	}
	if len(others) == 0 && len(networks()) == 0 {
		return errors.Join(k.removeTable(), k.forget(ofSandbox(g.from())))
	}
	err = k.searchElements(g.RunID, []*nft.Set{loopback})
	if err == nil && !shared {
		err = k.removeLocalnet(g.Device)
	}
	return errors.Join(err, k.forget(ofSandbox(g.from())))
}

// addGuest makes the table know the guest and its interface.
func (k *Kernel) addGuest(g *Guest) error {
	err := errors.Join(
		k.rules.SetAddElements(localnets, []nft.SetElement{{Key: name(g.Device)}}),
		each(marked(g.RunID, g.elements()), k.rules.SetAddElements))
	if err == nil {
		err = k.flush()
	}
	if err != nil {
		return fmt.Errorf("add interface %s and ways to the loopback to nftables sets: %w", g.Device, err)
	}
	return nil
}

// removeLocalnet makes the table forget the interface. It need not know it.
func (k *Kernel) removeLocalnet(device string) error {
	err := k.rules.SetDeleteElements(localnets, []nft.SetElement{{Key: name(device)}})
	if err == nil {
		err = k.flush()
	}
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete interface %s from nftables set %s: %w", device, localnets.Name, err)
	}
	return nil
}

// from are the sandbox's addresses.
func (g *Guest) from() (all []netip.Addr) {
	for _, y := range g.Ways {
		all = append(all, y.From)
	}
	return all
}

// elements returns the elements of the guest, by set.
func (g *Guest) elements() map[*nft.Set][]nft.SetElement {
	all := map[*nft.Set][]nft.SetElement{}
	for _, y := range g.Ways {
		all[loopback] = append(all[loopback], y.elements(g.Ports)...)
	}
	return all
}

// Check tells of each port whether its way is still open. It changes nothing.
func (g *Guest) Check() (f nsnet.Findings, err error) {
	k, err := Open()
	if err != nil {
		return nil, err
	}
	defer k.Close()
	open := checkLocalnet(g.Device)
	for _, y := range g.Ways {
		for _, m := range g.Ports {
			there := k.checkElements(g.RunID, map[*nft.Set][]nft.SetElement{loopback: y.elements([]nsnet.Mapping{m})})
			f.Add(fmt.Sprintf("port %d/%s of %s, which leads to %s on the host's loopback", m.Port, m.Protocol, y.Host, m.HostIP), errors.Join(there, open))
		}
	}
	return f, nil
}
