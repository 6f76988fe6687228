// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-cgroup bounds what a run takes of the machine; cgroups(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&cgroup{}) }
