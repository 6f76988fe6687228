// SPDX-License-Identifier: Apache-2.0

// Package nettest tests network backends: plugins that own the kind net and put
// sandboxes on a bridge of their own.
//
// The tests are real: they make namespaces, interfaces and rules, and send packets.
// So that they leave the machine as it is, they run in a private host, a set of
// namespaces that [Main] makes:
//
//	func TestMain(m *testing.M) { os.Exit(nettest.Main(m, kit)) }
//
//	func TestDefaultNetwork(t *testing.T) { nettest.DefaultNetwork(t, kit) }
//
// [DefaultNetwork] holds what all such backends have in common. A backend's own tests
// use [NewHost] and [Sandbox] for the rest.
package nettest
