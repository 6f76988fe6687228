// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine leaves the network's process nothing that it doesn't need: a root directory
// of its own, with /proc, the device that makes interfaces, and an empty /run for the
// leases, which are gone with the process; and one capability, over its own network.
func confine() error {
	if err := changeRoot(); err != nil {
		return err
	}
	return dropPrivileges()
}

// newRoot is where the root directory is made. It is there on each system.
const newRoot = "/tmp"

func changeRoot() error {
	// A mount must not be passed on, and the new root must be none of the old ones;
	// pivot_root(2).
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", newRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700,size=64m"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", newRoot, err)
	}
	if err := fillRoot(); err != nil {
		return err
	}
	if err := os.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the old root directory: %w", err)
	}
	return os.Chdir("/")
}

// fillRoot binds what the process needs into the new root.
func fillRoot() error {
	for _, dir := range []string{"/proc", "/run", "/dev/net"} {
		if err := os.MkdirAll(newRoot+dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(newRoot+tunDevice, nil, 0o600); err != nil {
		return err
	}
	for _, path := range []string{"/proc", tunDevice} {
		if err := unix.Mount(path, newRoot+path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("bind %s: %w", path, err)
		}
	}
	return nil
}

// dropPrivileges leaves all threads of this process CAP_NET_ADMIN, which makes
// interfaces and rules, and no way to more; capabilities(7).
func dropPrivileges() error {
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("set no_new_privs: %w", errno)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	data[0].Effective, data[0].Permitted = 1<<unix.CAP_NET_ADMIN, 1<<unix.CAP_NET_ADMIN
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	if errno != 0 {
		return fmt.Errorf("drop capabilities: %w", errno)
	}
	return nil
}
