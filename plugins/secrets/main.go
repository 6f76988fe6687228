// SPDX-License-Identifier: Apache-2.0

// Nsrun-plugin-secrets gives the command secrets as files that are on no disk.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&secrets{}) }
