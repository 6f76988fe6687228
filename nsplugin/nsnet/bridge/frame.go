// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"encoding/binary"

	nft "github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Registers of 32 bits, as the rules use them; nft counts them from 8.
const (
	r0 = 8 + iota
	r1
	r2
	r3
	r4
	r5
)

// addChains adds the chains and their rules to the batch of a new table.
func (k *Kernel) addChains() {
	// The sandboxes send to 127.0.0.0/8 by the host's interface if they like, and
	// route_localnet lets that pass to the host's own loopback services, as in
	// CVE-2020-8558. Here it is stopped, before connection tracking: answers to
	// what was published on 127.0.0.1 have the interface's address until then.
	k.chain("guard", nft.ChainTypeFilter, nft.ChainHookPrerouting, nft.ChainPriorityRaw,
		join(named(expr.MetaKeyIIFNAME, localnets, false), ipv4.only(), onLoopback(ipv4.from), verdict(expr.VerdictDrop)),
		join(named(expr.MetaKeyIIFNAME, localnets, false), ipv4.only(), onLoopback(ipv4.to), verdict(expr.VerdictDrop)),
	)
	publish := k.publishChain()
	// A published port is one of the host's own addresses only: without that the
	// port would be taken from everything that the host forwards, CVE-2025-67499.
	toPublished := join(toLocal(), []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: publish.Name}})
	k.chain("prerouting", nft.ChainTypeNAT, nft.ChainHookPrerouting, nft.ChainPriorityNATDest, loopbackRule(), toPublished)
	k.chain("input", nft.ChainTypeNAT, nft.ChainHookInput, nft.ChainPriorityNATSource, resolverRule())
	k.chain("output", nft.ChainTypeNAT, nft.ChainHookOutput, nft.ChainPriorityNATDest, toPublished)
	k.chain("postrouting", nft.ChainTypeNAT, nft.ChainHookPostrouting, nft.ChainPriorityNATSource, masqueradeRules()...)
	k.chain("forward", nft.ChainTypeFilter, nft.ChainHookForward, nft.ChainPriorityFilter, forwardRules()...)
}

func (k *Kernel) chain(name string, typ nft.ChainType, hook *nft.ChainHook, priority *nft.ChainPriority, rules ...[]expr.Any) *nft.Chain {
	c := k.rules.AddChain(&nft.Chain{Name: name, Table: table, Type: typ, Hooknum: hook, Priority: priority})
	for _, r := range rules {
		k.rules.AddRule(&nft.Rule{Table: table, Chain: c, Exprs: r})
	}
	return c
}

// publishChain adds the chain that changes the destination of packets to published
// ports. A port on one address goes before the same on all.
func (k *Kernel) publishChain() *nft.Chain {
	c := k.chain("publish", "", nil, nil)
	for _, f := range []*family{ipv4, ipv6} {
		words, dnat := f.length/4, f.dnat()
		k.rules.AddRule(&nft.Rule{Table: table, Chain: c, Exprs: join(
			f.only(), f.load(f.to, r0), protocolAndPort(r0+words), find(f.one, r0, true), dnat)})
		k.rules.AddRule(&nft.Rule{Table: table, Chain: c, Exprs: join(
			f.only(), protocolAndPort(r0), find(f.any, r0, true), dnat)})
	}
	return c
}

// loopbackRule leads what a sandbox sends to the host to the host's loopback, where it may
// go there.
func loopbackRule() []expr.Any {
	return join(named(expr.MetaKeyIIFNAME, localnets, false), ipv4.only(),
		ipv4.load(ipv4.from, r0), ipv4.load(ipv4.to, r1), protocolAndPort(r2), find(loopback, r0, true), ipv4.dnat())
}

// resolverRule gives questions that loopbackRule has led to a name server the host's own
// source: by default many answer nobody else, as unbound.conf(5) has it under
// access-control. Other services see whom they serve.
func resolverRule() []expr.Any {
	return join(named(expr.MetaKeyIIFNAME, localnets, false), ipv4.only(), published(), onLoopback(ipv4.to), []expr.Any{
		&expr.Payload{DestRegister: r0, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: r0, Data: port(nsnet.DNSPort)[:2]},
		&expr.Immediate{Register: r0, Data: []byte{127, 0, 0, 1}},
		&expr.NAT{Type: expr.NATTypeSourceNAT, Family: uint32(ipv4.nfproto), RegAddrMin: r0},
	})
}

// dnat changes the destination to the address and the port in the registers from r0 on.
func (f *family) dnat() []expr.Any {
	return []expr.Any{&expr.NAT{Type: expr.NATTypeDestNAT, Family: uint32(f.nfproto), RegAddrMin: r0, RegProtoMin: r0 + f.length/4}}
}

// masqueradeRules give packets the host's address as their source.
func masqueradeRules() [][]expr.Any {
	masquerade := []expr.Any{&expr.Masq{}}
	// From the host's loopback to a sandbox, which would answer itself.
	rules := [][]expr.Any{join(ipv4.only(), published(), onLoopback(ipv4.from), masquerade)}
	for _, f := range []*family{ipv4, ipv6} {
		rules = append(rules,
			// From a sandbox by a published port to itself or to another: the answer
			// would go straight to it, and not be what it waits for.
			join(f.only(), published(), f.member(f.from, f.sandboxes), f.member(f.to, f.sandboxes), masquerade),
			// From a sandbox to other machines, which don't know its address.
			join(f.only(), f.member(f.from, f.sandboxes), named(expr.MetaKeyOIFNAME, bridges, true), f.unicast(), masquerade))
	}
	return rules
}

// forwardRules keep isolated sandboxes and other bridges apart.
func forwardRules() [][]expr.Any {
	// NFT_META_IIFKIND and NFT_META_OIFKIND of linux/netfilter/nf_tables.h, which
	// the library doesn't name: the type of interface, as ip-link(8) has it.
	const iifkind, oifkind expr.MetaKey = 26, 27
	// Where frames on a bridge pass these rules, they come from and go to the bridge.
	rules := [][]expr.Any{join(
		[]expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: r0}, &expr.Meta{Key: expr.MetaKeyOIFNAME, Register: r4}},
		find(within, r0, false), verdict(expr.VerdictAccept))}
	for _, f := range []*family{ipv4, ipv6} {
		rules = append(rules,
			join(f.only(), f.member(f.from, f.isolated), metaIs(oifkind, name("bridge")), verdict(expr.VerdictDrop)),
			join(f.only(), f.member(f.to, f.isolated), metaIs(iifkind, name("bridge")), verdict(expr.VerdictDrop)))
	}
	return rules
}

// join puts the parts of a rule together.
func join(parts ...[]expr.Any) []expr.Any {
	var rule []expr.Any
	for _, p := range parts {
		rule = append(rule, p...)
	}
	return rule
}

func verdict(kind expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: kind}} }

// only matches packets of the family.
func (f *family) only() []expr.Any { return metaIs(expr.MetaKeyNFPROTO, []byte{f.nfproto}) }

// load puts the address at offset of the IP header into registers from reg on.
func (f *family) load(offset, reg uint32) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: f.length}}
}

// member matches packets whose address at offset is in the set.
func (f *family) member(offset uint32, set *nft.Set) []expr.Any {
	return join(f.load(offset, r0), find(set, r0, false))
}

// unicast matches packets that aren't to a group: 224.0.0.0/4 or ff00::/8.
func (f *family) unicast() []expr.Any {
	mask, group := byte(0xf0), byte(0xe0)
	if f == ipv6 {
		mask, group = 0xff, 0xff
	}
	return []expr.Any{
		&expr.Payload{DestRegister: r0, Base: expr.PayloadBaseNetworkHeader, Offset: f.to, Len: 1},
		&expr.Bitwise{SourceRegister: r0, DestRegister: r0, Len: 1, Mask: []byte{mask}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: r0, Data: []byte{group}},
	}
}

// onLoopback matches packets whose IPv4 address at offset is in 127.0.0.0/8.
func onLoopback(offset uint32) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: r0, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: r0, Data: []byte{127}},
	}
}

// protocolAndPort loads the protocol and the destination port, in two registers.
func protocolAndPort(reg uint32) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
		&expr.Payload{DestRegister: reg + 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
	}
}

// find looks the registers from reg on up in the set, whose data, if it is a map,
// takes their place.
func find(set *nft.Set, reg uint32, isMap bool) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: reg, DestRegister: reg, IsDestRegSet: isMap, SetName: set.Name, SetID: set.ID}}
}

// named matches packets whose interface is in the set, or isn't.
func named(key expr.MetaKey, set *nft.Set, invert bool) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: key, Register: r0},
		&expr.Lookup{SourceRegister: r0, SetName: set.Name, SetID: set.ID, Invert: invert},
	}
}

func metaIs(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: r0}, &expr.Cmp{Op: expr.CmpOpEq, Register: r0, Data: value}}
}

// toLocal matches packets to an address of this host.
func toLocal() []expr.Any {
	local := binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)
	return []expr.Any{
		&expr.Fib{Register: r0, ResultADDRTYPE: true, FlagDADDR: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: r0, Data: local},
	}
}

// published matches packets whose destination was changed; IPS_DST_NAT of
// nf_conntrack_common.h.
func published() []expr.Any {
	const dstNAT = 1 << 5
	mask := binary.NativeEndian.AppendUint32(nil, dstNAT)
	zero := make([]byte, len(mask))
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATUS, Register: r0},
		&expr.Bitwise{SourceRegister: r0, DestRegister: r0, Len: 4, Mask: mask, Xor: zero},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: r0, Data: zero},
	}
}

// name is the name of an interface, or of a kind of them, as rules compare it.
func name(text string) []byte {
	return append([]byte(text), bytes.Repeat([]byte{0}, unix.IFNAMSIZ-len(text))...)
}
