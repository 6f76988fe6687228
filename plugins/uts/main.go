// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-uts gives the command a hostname and a domain name of its
// own; uts_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&uts{}) }
