// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-seccomp filters the command's system calls; seccomp(2).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&filter{}) }
