// SPDX-License-Identifier: Apache-2.0

// Package nstest tests that a plugin keeps the rules of SPEC.md. A plugin's test
// is ten lines:
//
//	func TestConformance(t *testing.T) {
//		nstest.Test(t, &hello{},
//			nstest.Case{Name: "a name", Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}}},
//			nstest.Case{Name: "no name", Settings: []ns.Setting{{Option: "greet", Args: []string{""}}}, Refused: "--greet"},
//		)
//	}
//
// The plugin runs in the test's process and is called as nsrun calls it, through
// gRPC on a unix socket. No namespace is made and no PreExec is called, so that
// the kit needs no privilege.
package nstest
