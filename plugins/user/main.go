// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-user gives the command user and group ids of its own;
// user_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&user{}) }
