// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-slirp4netns gives the command a network without root's
// help, by slirp4netns(1): a small network of its own behind the caller's.
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&slirp{}) }
