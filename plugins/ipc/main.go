// SPDX-License-Identifier: Apache-2.0

// Command nsrun-plugin-ipc hides System V IPC objects and POSIX message queues
// of the host from the command; ipc_namespaces(7).
package main

import "github.com/nsrun/nsrun/nsplugin"

func main() { nsplugin.Main(&ipc{}) }
