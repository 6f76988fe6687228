// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-net gives a run a network namespace that is attached to a
// CNI network: a bridge of nsrun's own, or any that is configured on the host.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&network{}) }
