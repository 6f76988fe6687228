// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-landlock restricts which files the command may use, and
// which ports; landlock(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&landlock{}) }
