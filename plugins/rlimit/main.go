// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-rlimit sets the command's resource limits; getrlimit(2).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&rlimit{}) }
