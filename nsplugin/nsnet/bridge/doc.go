// SPDX-License-Identifier: Apache-2.0

// Package bridge connects sandboxes to bridges of nsrun's own, by netlink(7) and
// nftables without any helper: addresses, masquerading, published ports, limits. It
// acts on the network namespace of the process that uses it, and keeps its leases in
// [Dir].
//
// A backend makes a [Wish] of its options, checks it when it negotiates, attaches the
// sandbox in PreExec and detaches it in PostExec. A backend whose sandboxes are on networks
// of others makes a [Guest] of one that is to reach the host's loopback.
package bridge
