// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// Variables for the processes of the tests.
const (
	envBinDir = "NSRUN_TEST_CNI_BIN_DIR" // where the CNI plugins are
	envHelper = "NSRUN_TEST_HELPER"      // the process is a helper of a test
)

var kit = nettest.Kit{
	Subnet:  defaultSubnet,
	Device:  defaultBridge,
	Prepare: buildCNI,
	New: func(o nettest.Options) nettest.Backend {
		return &network{
			SubnetOption: o.SubnetOption, PublishOption: o.PublishOption, AddressOptions: o.AddressOptions, MACOption: o.MACOption,
			MTUOption: o.MTUOption, NameOptions: o.NameOptions, BandwidthOption: o.BandwidthOption, bundled: os.Getenv(envBinDir),
		}
	},
}

func TestMain(m *testing.M) {
	if os.Getenv(envHelper) != "" {
		os.Exit(helper())
	}
	os.Exit(nettest.Main(m, kit))
}

func TestDefaultNetwork(t *testing.T) { nettest.DefaultNetwork(t, kit) }

// buildCNI builds the CNI plugins.
func buildCNI() (undo func(), err error) {
	dir, err := os.MkdirTemp("", "nsrun-cni-")
	if err != nil {
		return nil, err
	}
	undo = func() { os.RemoveAll(dir) }
	if out, err := exec.Command("../../scripts/build-cni", dir).CombinedOutput(); err != nil {
		undo()
		return nil, fmt.Errorf("build-cni: %w: %s", err, out)
	}
	return undo, os.Setenv(envBinDir, dir)
}

// host is a host with CNI plugins.
type host struct {
	*nettest.Host
	binDir string
}

func newHost(t *testing.T) *host {
	t.Helper()
	return &host{nettest.NewHost(t), os.Getenv(envBinDir)}
}

// sandbox is a sandbox on a host with CNI plugins.
type sandbox struct {
	*nettest.Sandbox
	h *host
}

func (h *host) newSandbox() *sandbox {
	h.T.Helper()
	return &sandbox{h.NewSandbox(), h}
}

// pre calls PreExec.
func (s *sandbox) pre(n *network) (*ns.HookReply, error) {
	n.bundled = s.h.binDir
	return s.Pre(n)
}

// mustPre calls PreExec, which has to succeed, and returns the address.
func (s *sandbox) mustPre(n *network) string {
	s.h.T.Helper()
	n.bundled = s.h.binDir
	return s.MustPre(n)
}

// helper is what a helper process does, as told on stdin: it calls the hook of a sandbox,
// or admits a guest.
func helper() int {
	var told struct {
		Network network
		Request ns.HookRequest
		Guest   *bridge.Guest
	}
	if err := json.NewDecoder(os.Stdin).Decode(&told); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Println("begun")
	var err error
	if told.Guest != nil {
		err = told.Guest.Admit()
	} else {
		err = told.Network.hook(&told.Request)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hook calls the hook of the request's point.
func (n *network) hook(req *ns.HookRequest) error {
	if req.Point == ns.PostExec {
		return n.PostExec(context.Background(), req)
	}
	_, err := n.PreExec(context.Background(), req)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
