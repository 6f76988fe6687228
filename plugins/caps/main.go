// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-caps leaves the command a part of the capabilities that
// it would have; capabilities(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&caps{}) }
