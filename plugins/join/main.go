// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-join has the command enter a network namespace that exists;
// setns(2).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&join{}) }
