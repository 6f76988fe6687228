// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"

	nft "github.com/google/nftables"
	"github.com/google/nftables/binaryutil"

	"github.com/nsrun/nsrun/nsplugin"
)

// table is the one table in which all rules live. Its chains and sets are the same
// whatever runs there are; what belongs to a run is an element of a set, with the
// run's id as its comment. As nft(8) has it:
//
//	table inet nsrun {
//	  set bridges    { type ifname }                 nsrun's own, of this backend
//	  set within     { type ifname . ifname }        each of them twice
//	  set localnets  { type ifname }                 those with route_localnet
//	  set sandboxes4 { type ipv4_addr }              all addresses
//	  set isolated4  { type ipv4_addr }              those with --isolate
//	  map any4       { type inet_proto . inet_service : ipv4_addr . inet_service }
//	  map one4       { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }
//	  ...                                            and 6 for each 4
//	  map loopback   { type ipv4_addr . ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }
//	}
//
// The chains are in frame.go.
var table = &nft.Table{Name: "nsrun", Family: nft.TableFamilyINet}

// The sets whose elements are interfaces.
var (
	bridges   = newInterfaces("bridges")
	localnets = newInterfaces("localnets")
	within    = &nft.Set{Table: table, Name: "within", KeyType: concat(nft.TypeIFName, nft.TypeIFName), Concatenation: true}
)

func newInterfaces(name string) *nft.Set {
	return &nft.Set{Table: table, Name: name, KeyType: nft.TypeIFName, KeyByteOrder: binaryutil.NativeEndian}
}

// loopback leads a sandbox, by its address, that of the host and the port that it asks
// for, to a port of the host's own loopback. IPv6 has no route_localnet, without which
// there is none.
var loopback = &nft.Set{Table: table, Name: "loopback", IsMap: true, Concatenation: true,
	KeyType:  concat(nft.TypeIPAddr, nft.TypeIPAddr, nft.TypeInetProto, nft.TypeInetService),
	DataType: concat(nft.TypeIPAddr, nft.TypeInetService)}

// family is what differs between IPv4 and IPv6 in the table.
type family struct {
	nfproto   byte   // NFPROTO_*
	from, to  uint32 // where the addresses are in the packet's header
	length    uint32 // of an address in bytes
	sandboxes *nft.Set
	isolated  *nft.Set
	any, one  *nft.Set
}

var (
	ipv4 = newFamily("4", 2, 12, 16, nft.TypeIPAddr)
	ipv6 = newFamily("6", 10, 8, 24, nft.TypeIP6Addr)
)

func newFamily(suffix string, nfproto byte, from, to uint32, addr nft.SetDatatype) *family {
	target := concat(addr, nft.TypeInetService)
	return &family{
		nfproto: nfproto, from: from, to: to, length: addr.Bytes,
		sandboxes: &nft.Set{Table: table, Name: "sandboxes" + suffix, KeyType: addr},
		isolated:  &nft.Set{Table: table, Name: "isolated" + suffix, KeyType: addr},
		any: &nft.Set{Table: table, Name: "any" + suffix, IsMap: true, Concatenation: true,
			KeyType: concat(nft.TypeInetProto, nft.TypeInetService), DataType: target},
		one: &nft.Set{Table: table, Name: "one" + suffix, IsMap: true, Concatenation: true,
			KeyType: concat(addr, nft.TypeInetProto, nft.TypeInetService), DataType: target},
	}
}

func concat(types ...nft.SetDatatype) nft.SetDatatype { return nft.MustConcatSetType(types...) }

// runSets are the sets whose elements belong to runs.
func runSets() []*nft.Set {
	all := []*nft.Set{loopback}
	for _, f := range []*family{ipv4, ipv6} {
		all = append(all, f.sandboxes, f.isolated, f.any, f.one)
	}
	return all
}

// CheckTables returns an error if this kernel can't have such a table.
func CheckTables() error {
	conn, err := nft.New()
	if err == nil {
		_, err = conn.ListTablesOfFamily(nft.TableFamilyINet)
	}
	if err != nil {
		return nsplugin.Errorf("list nftables tables: %w", err).
			WithDetail("the kernel has no nf_tables").WithHint("modprobe nf_tables, or --plugins net, which can use iptables")
	}
	return nil
}

// hasTable reports whether the table is there.
func (k *Kernel) hasTable() (bool, error) {
	tables, err := k.rules.ListTablesOfFamily(nft.TableFamilyINet)
	if err != nil {
		return false, fmt.Errorf("list nftables tables: %w", err)
	}
	for _, t := range tables {
		if t.Name == table.Name {
			return true, nil
		}
	}
	return false, nil
}

// ensureTable makes the table with its sets and chains in one transaction, unless
// it is there. It reports whether it made it. The caller holds the lock.
func (k *Kernel) ensureTable() (made bool, err error) {
	if there, err := k.hasTable(); there || err != nil {
		return false, err
	}
	k.rules.AddTable(table)
	for _, s := range append(runSets(), bridges, localnets, within) {
		if err := k.rules.AddSet(s, nil); err != nil {
			return false, fmt.Errorf("make nftables set %s: %w", s.Name, err)
		}
	}
	k.addChains()
	if err := k.flush(); err != nil {
		return false, fmt.Errorf("add nftables table inet %s: %w", table.Name, err)
	}
	return true, nil
}

// removeTable removes the table; it need not exist.
func (k *Kernel) removeTable() error {
	there, err := k.hasTable()
	if !there || err != nil {
		return err
	}
	k.rules.DelTable(table)
	if err := k.flush(); err != nil {
		return fmt.Errorf("delete nftables table inet %s: %w", table.Name, err)
	}
	return nil
}
