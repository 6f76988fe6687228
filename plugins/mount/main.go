// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-mount gives the command mounts of its own, and a root
// directory if asked; mount_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&mount{}) }
