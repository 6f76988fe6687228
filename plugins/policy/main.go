// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-policy refuses runs that a policy doesn't allow.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&policy{path: systemPath}) }
