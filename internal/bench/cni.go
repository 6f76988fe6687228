// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/containernetworking/cni/libcni"
	"golang.org/x/sys/unix"
)

// conflist is the network of the CNI case, for nsrun and for bare libcni.
const conflist = `{
  "cniVersion": "1.1.0",
  "name": "bench",
  "plugins": [
    {"type": "bridge", "bridge": "nsrunbench0", "isGateway": true, "ipMasq": true, "ipMasqBackend": "nftables",
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.180.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/nsrun-bench-cni"}},
    {"type": "portmap", "capabilities": {"portMappings": true}, "backend": "nftables"}
  ]
}
`

func writeConflist(dir string) error {
	return os.WriteFile(filepath.Join(dir, "bench.conflist"), []byte(conflist), 0o644)
}

// bareCNI attaches a new network namespace to the network and detaches it again,
// through libcni and nothing else: bench cni CONFLIST CACHE BIN.
func bareCNI(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("cni: want CONFLIST CACHE BIN")
	}
	list, err := libcni.ConfListFromFile(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // never unlocked: the thread ends with its namespace
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	ctx := context.Background()
	cni := libcni.NewCNIConfigWithCacheDir([]string{args[2]}, args[1], nil)
	conf := &libcni.RuntimeConf{
		ContainerID: fmt.Sprint("bench-", os.Getpid()), IfName: "eth0",
		NetNS: fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid()),
	}
	// The plugins are to work in the host's namespace, and they come from a thread
	// of their own.
	done := make(chan error)
	go func() {
		_, err := cni.AddNetworkList(ctx, list, conf)
		done <- errors.Join(err, cni.DelNetworkList(ctx, list, conf))
	}()
	return <-done
}
