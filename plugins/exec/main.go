// SPDX-License-Identifier: Apache-2.0

// Nsrun-plugin-exec is the interpreter of plugins that are a TOML file and a
// program: their first line names it after #!.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(newPlugin()) }
