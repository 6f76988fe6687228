// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-host leaves the command in the host's network, and says so;
// network_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&host{}) }
