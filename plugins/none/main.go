// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-none gives the command a network of nothing but the
// loopback interface; network_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&none{}) }
