// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-native gives a run a network namespace on a bridge of
// nsrun's own, made by netlink(7) and nftables without any helper.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&native{}) }
