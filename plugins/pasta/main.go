// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-pasta gives the command a network without root's help, by
// pasta(1): the packets of the sandbox become ordinary connections of the caller.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&pasta{}) }
