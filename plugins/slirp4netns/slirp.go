// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/helper"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// slirp is the plugin. Its fields are the options.
type slirp struct {
	nsnet.PublishOption
	nsnet.MACOption
	nsnet.MTUOption
	nsnet.NameOptions
}

// program is what does the work.
var program = helper.Program{Name: "slirp4netns", Package: "slirp4netns"}

// farewell is what slirp4netns logs when it ends because the sandbox has.
const farewell = "exitfd event"

// The addresses that slirp4netns gives, and its largest MTU; slirp4netns(1).
var (
	address   = netip.AddrFrom4([4]byte{10, 0, 2, 100})
	dnsServer = netip.AddrFrom4([4]byte{10, 0, 2, 3})
)

const (
	maxMTU     = 65521
	defaultMTU = 65520 // eight times the throughput of 1500
)

// Describe says what the plugin is.
func (s *slirp) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:     "slirp4netns",
		Version:  "0.1.0",
		Summary:  "network for ordinary users, by slirp4netns: 10.0.2.100, without the host's loopback",
		Kinds:    []ns.Kind{ns.Net},
		Features: nsnet.Features(s),
	}
}

// wish is what the options come to.
type wish struct {
	program string // path
	ports   []nsnet.Mapping
	mac     string
	mtu     int
	names   *nsnet.Names
}

// resolve reads the options. It returns all that is wrong with them, joined.
func (s *slirp) resolve() (*wish, error) {
	w := &wish{}
	var errs [5]error
	w.program, errs[0] = program.Find()
	w.ports, errs[1] = s.Ports()
	w.mtu, errs[2] = s.Bytes(true)
	w.names, errs[3] = s.Names()
	mac, err := s.HardwareAddr()
	w.mac, errs[4] = mac.String(), err
	return w, errors.Join(append(errs[:], w.checkPorts(), w.checkMTU())...)
}

// checkPorts returns an error for each port that slirp4netns can't publish.
func (w *wish) checkPorts() error {
	errs := []error{nsnet.CheckTCPAndUDP("slirp4netns", "publish", w.ports)}
	for _, m := range w.ports {
		if m.HostIP.Is6() {
			errs = append(errs, nsplugin.Errorf("publish %s: slirp4netns publishes on IPv4 only", m).WithOption("publish").
				WithHint("an IPv4 address, or --plugins net=pasta"))
		}
	}
	return errors.Join(errs...)
}

func (w *wish) checkMTU() error {
	if w.mtu > maxMTU {
		return nsplugin.Errorf("mtu %d: slirp4netns takes %d at most", w.mtu, maxMTU).WithOption("mtu")
	}
	return nil
}

// Negotiate checks everything that can be known before anything starts.
func (s *slirp) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	w, err := s.resolve()
	if err := errors.Join(err, nsnet.CheckTun("slirp4netns")); err != nil {
		return nil, err
	}
	if err := nsnet.CheckFree(w.ports); err != nil {
		return nil, err
	}
	offer := nsnet.NewOffer()
	w.names.Offer(req, offer)
	return offer, nil
}

// PreExec starts slirp4netns on the sandbox's network namespace and publishes its
// ports.
func (s *slirp) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	w, err := s.resolve()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(req.StateDir, "slirp4netns.sock")
	reply, err := w.start(ctx, req, socket)
	if err != nil {
		return nil, err
	}
	if err := w.publish(ctx, socket); err != nil {
		return nil, cmp.Or(notListening(req, reply.State, err), err)
	}
	reply.Results = w.results()
	place := nsnet.Place{Addresses: []netip.Addr{address}}
	place.DNS.Servers = []string{dnsServer.String()}
	w.names.Reply(req, place, reply)
	return reply, nil
}

// start starts slirp4netns and waits until the interface is there. It ends with the
// child: since Linux 6.9 a descriptor of a process hangs up when the process is
// gone, which is what --exit-fd waits for; pidfd_open(2).
func (w *wish) start(ctx context.Context, req *ns.HookRequest, socket string) (*ns.HookReply, error) {
	fd, err := unix.PidfdOpen(req.PID, 0)
	if err != nil {
		return nil, nsplugin.Errorf("open process %d: %w", req.PID, err)
	}
	child := os.NewFile(uintptr(fd), "child")
	defer child.Close()
	reply, err := helper.Start(ctx, req, helper.Command{
		Name: "slirp4netns", Path: w.program, Args: w.arguments(req.PID, socket),
		Files: []*os.File{child}, Ready: 4,
	})
	return reply, explain(err)
}

// notListening returns an error if slirp4netns has ended since it was ready, or is ending:
// nobody listens where err says that it failed to publish. The state is what
// [helper.Start] returned.
func notListening(req *ns.HookRequest, state []byte, err error) error {
	started := *req
	started.State = state
	deaf := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
	if !deaf && helper.Check(&started, "slirp4netns").Severity != ns.Error {
		return nil
	}
	return nsplugin.Errorf("publish ports: slirp4netns has stopped listening").WithDetail(helper.LastWords(req, "slirp4netns"))
}

// explain adds a way out to slirp4netns's own words.
func explain(err error) error {
	var d *ns.Diagnostic
	if errors.As(err, &d) && (strings.Contains(d.Detail, "setegid(0)") || strings.Contains(d.Detail, "seteuid(0)")) {
		return d.WithDetail("slirp4netns confines itself as user 0 of the sandbox, which is mapped to nobody").
			WithHint("--map-root-user, or --plugins net=pasta")
	}
	return err
}

// arguments returns what slirp4netns is told. It takes the namespaces by process:
// by path it would set up its own confinement in none.
func (w *wish) arguments(pid int, socket string) []string {
	mtu := w.mtu
	if mtu == 0 {
		mtu = defaultMTU
	}
	args := []string{
		"--configure", "--mtu=" + strconv.Itoa(mtu), "--enable-ipv6", "--disable-host-loopback",
		"--enable-sandbox", "--enable-seccomp", "--exit-fd=3", "--ready-fd=4",
	}
	if w.mac != "" {
		args = append(args, "--macaddress="+w.mac)
	}
	if len(w.ports) > 0 {
		args = append(args, "--api-socket="+socket)
	}
	return append(args, strconv.Itoa(pid), nsnet.Interface)
}

// results are what nsctl shows of the network.
func (w *wish) results() map[string]string {
	return nsnet.Results(map[string]string{
		"interface": nsnet.Interface, "address": address.String(),
		"mac": w.mac, "ports": nsnet.PortsText(w.ports),
	})
}

// CheckRun says whether slirp4netns still serves the sandbox.
func (s *slirp) CheckRun(_ context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	found := nsnet.Findings{*helper.Check(req, "slirp4netns")}
	found.CheckInterface(req.PID)
	found.CheckAddresses(req.PID, []netip.Addr{address})
	return found, nil
}

// PostExec ends slirp4netns.
func (s *slirp) PostExec(ctx context.Context, req *ns.HookRequest) error {
	return helper.Finish(ctx, req, "slirp4netns", farewell)
}

// Check says whether slirp4netns is installed and can make an interface.
func (s *slirp) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) {
	path, err := program.Find()
	var found nsnet.Findings
	found.Tell(err, "helper "+path)
	found.Tell(nsnet.CheckTun("slirp4netns"), "device "+nsnet.TunDevice)
	return found, nil
}
