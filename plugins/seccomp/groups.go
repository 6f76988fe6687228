// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"
)

// groups are sets of calls, by the names that systemd.exec(5) has for them where
// it has one.
var groups = map[string][]string{
	"@clock":      {"adjtimex", "clock_adjtime", "clock_settime", "settimeofday"},
	"@debug":      {"lookup_dcookie", "perf_event_open", "pidfd_getfd", "process_vm_readv", "process_vm_writev", "ptrace"},
	"@io-uring":   {"io_uring_enter", "io_uring_register", "io_uring_setup"},
	"@keyring":    {"add_key", "keyctl", "request_key"},
	"@module":     {"delete_module", "finit_module", "init_module"},
	"@mount":      {"chroot", "fsconfig", "fsmount", "fsopen", "fspick", "listmount", "mount", "mount_setattr", "move_mount", "open_tree", "pivot_root", "statmount", "umount2"},
	"@namespaces": {"clone", "clone3", "setns", "unshare"},
	"@network-io": {"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketpair"},
	"@obsolete":   {"_sysctl", "create_module", "get_kernel_syms", "nfsservctl", "query_module", "sysfs", "uselib", "ustat"},
	"@raw-io":     {"ioperm", "iopl"},
	"@reboot":     {"kexec_file_load", "kexec_load", "reboot"},
	"@swap":       {"swapoff", "swapon"},
}

func groupNames() []string { return slices.Sorted(maps.Keys(groups)) }
