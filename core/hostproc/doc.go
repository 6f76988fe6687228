// SPDX-License-Identifier: Apache-2.0

// Package hostproc puts the plugin host into a process of its own: both ends of
// what nsrun and nsrun-host say to each other over a socketpair.
//
//	nsrun                                     nsrun-host
//	  │  {"id":1,"method":"negotiate",...}  →   │  calls the plugin
//	  │  {"id":2,"method":"negotiate",...}  →   │  calls another, beside it
//	  │  ←  {"id":2,"result":{...}}             │
//	  │  {"id":1,"method":"cancel"}         →   │  gives up the first call
//	  │  ←  {"id":1,"error":[{...}]}            │
//	  ×  end of file                        →   │  stops all plugins and exits
//
// Each message is its length, as four bytes in the machine's order, and JSON in
// the types of package ns. The client links neither gRPC nor go-plugin.
package hostproc
