// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-pid gives the command process ids of its own, with an
// init as pid 1; pid_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&pid{}) }
