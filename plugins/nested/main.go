// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-nested gives an ordinary user's runs a bridge, in network and
// user namespaces of that user's own, behind pasta(1).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() {
	playRole() // returns in the plugin itself
	nsplugin.Main(&nested{})
}
