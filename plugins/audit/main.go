// SPDX-License-Identifier: Apache-2.0

// Nsrun-plugin-audit writes down who ran what plan, and when.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&audit{}) }
