// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-time gives the command clocks of its own;
// time_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&clocks{}) }
