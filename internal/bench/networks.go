// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// quiet is how long the kernel needs to end what a network leaves it: the removal of
// interfaces and of network namespaces, during which others that change interfaces wait.
const quiet = 200 * time.Millisecond

// networks is the table of backends: one job on each, beside what others do it with.
func (p place) networks() []Case {
	return slices.Concat(p.bridges(), p.rootless(), p.throughput())
}

// bridges are networks as root. The jobs of podman are a static busybox in a
// directory of its own, which costs it least.
func (p place) bridges() []Case {
	cni := []string{"--network", "bench", "--cni-conf-dir", p.dir}
	publish := []string{"-p", "18080:80"}
	native, other := p.start("nsrun, native", "pid,net=native,mount", publish...), p.podman("podman, bridge", publish, "true").aim(0.1)
	bare := Command{Label: "bare libcni, ADD and DEL", Goal: 1.15,
		Argv: []string{p.self, "cni", filepath.Join(p.dir, "bench.conflist"), filepath.Join(p.dir, "cache"), p.cni}}
	return []Case{
		{Name: "network: CNI bridge, from start to end", Rounds: 30, Pause: quiet, Commands: []Command{
			p.start("nsrun, net", "pid,net,mount", cni...), bare,
			p.start("nsrun, net, --keep-warm", "pid,net,mount", append(cni, "--keep-warm=20s")...),
			p.start("nsrun, native", "pid,net=native,mount"), p.start("nsrun, none", "pid,net=none,mount"),
			p.podman("podman, bridge", nil, "true"),
		}},
		{Name: "network: CNI bridge, ten runs one after the other", Rounds: 5, Commands: []Command{
			p.inBatch(p.start("nsrun, net", "pid,net,mount", cni...), 10, 1), p.inBatch(bare, 10, 1),
		}},
		{Name: "network: bridge and a published port, from start to end", Rounds: 15, Pause: quiet, Commands: []Command{
			native, other, p.start("nsrun, net", "pid,net,mount", append(cni, publish...)...),
		}},
		{Name: "network: bridge and a published port, ten runs one after the other", Rounds: 5, Commands: []Command{
			p.inBatch(native, 10, 1), p.inBatch(other, 10, 1),
		}},
		{Name: "network: bridge, to the first command", Rounds: 15, Pause: quiet, Value: toFirstOutput, Commands: []Command{
			{Label: "nsrun, native", Argv: p.under("pid,net=native,mount", nil, "echo", "up")},
			{Label: "nsrun, net", Argv: p.under("pid,net,mount", cni, "echo", "up")},
			{Label: "nsrun, none", Argv: p.under("pid,net=none,mount", nil, "echo", "up")},
			p.podman("podman, bridge", nil, "echo", "up"),
		}},
	}
}

// rootless are networks of an ordinary user.
func (p place) rootless() []Case {
	return []Case{{Name: "network: an ordinary user, from start to end", Rounds: 15, UID: benchUID, Setup: uplink, Commands: []Command{
		p.start("nsrun, pasta", "pid,net=pasta,mount,uts,ipc"),
		{Label: "pasta alone", Argv: words("pasta --quiet --config-net -- true"), Goal: 1.1},
		p.start("nsrun, pasta, --keep-warm", "pid,net=pasta,mount,uts,ipc", "--keep-warm=20s"),
		p.start("nsrun, slirp4netns", "pid,net=slirp4netns,mount,uts,ipc"),
		p.start("nsrun, nested", "pid,net=nested,mount,uts,ipc"),
		p.start("nsrun, none", "pid,net=none,mount,uts,ipc"),
	}}}
}

// throughput is TCP from inside to a server on the host.
func (p place) throughput() (cases []Case) {
	for _, streams := range []int{1, 4} {
		iperf := fmt.Sprintf("iperf3 -J -t 2 -P %d -c ", streams)
		cases = append(cases,
			Case{Name: fmt.Sprintf("network: TCP over a bridge, streams: %d", streams), Rounds: 5, Unit: "Gbit/s", Value: bandwidth, Setup: bridgeByHand, Commands: []Command{
				{Label: "nsrun, native", Argv: p.under("pid,net=native,mount", nil, words(iperf+"10.179.0.1")...)},
				{Label: "nsrun, net", Argv: p.under("pid,net,mount", nil, words(iperf+"10.179.0.1")...)},
				p.podman("podman, bridge", nil, words(iperf+"10.179.0.1")...).aim(1),
				{Label: "a bridge made with ip(8)", Argv: words("ip netns exec nsrunbench " + iperf + "10.179.0.1")},
			}},
			Case{Name: fmt.Sprintf("network: TCP of an ordinary user, streams: %d", streams), Rounds: 5, Unit: "Gbit/s", Value: bandwidth, UID: benchUID, Setup: uplinkAndServer, Commands: []Command{
				{Label: "nsrun, pasta", Argv: p.under("pid,net=pasta,mount", nil, words(iperf+serverAddress)...)},
				{Label: "pasta alone", Argv: words("pasta --quiet --config-net --no-map-gw -- " + iperf + serverAddress), Goal: 1},
				{Label: "nsrun, nested", Argv: p.under("pid,net=nested,mount", nil, words(iperf+serverAddress)...)},
			}})
	}
	return cases
}

// aim sets what ratio of nsrun to the command the project aims at.
func (c Command) aim(goal float64) Command {
	c.Goal = goal
	return c
}

// toFirstOutput is the time from fork to the first byte of output, in milliseconds.
func toFirstOutput(p *exec.Cmd) (float64, error) {
	out, err := p.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := p.Start(); err != nil {
		return 0, err
	}
	_, err = out.Read(make([]byte, 1))
	took := time.Since(start)
	if waited := p.Wait(); waited != nil {
		err = waited
	}
	return float64(took.Microseconds()) / 1000, err
}

// uplinkAddress is the host's own, on the interface that pasta takes for its uplink and
// copies; serverAddress is another of the host's, since inside the first is the sandbox.
const (
	uplinkAddress = "192.0.2.2"
	serverAddress = "198.51.100.1"
)

// uplink gives the private host an interface with a default route.
func uplink() (cleanUp func(), err error) {
	err = shell("ip link add nsrunbench3 type veth peer name nsrunbench4", "ip link set nsrunbench4 up",
		"ip addr add "+uplinkAddress+"/24 dev nsrunbench3", "ip link set nsrunbench3 up", "ip route add default via 192.0.2.1",
		"ip link set lo up", "ip addr add "+serverAddress+"/32 dev lo")
	if err != nil {
		return nil, err
	}
	return func() { _ = shell("ip link del nsrunbench3", "ip addr del "+serverAddress+"/32 dev lo") }, nil
}

func uplinkAndServer() (cleanUp func(), err error) {
	down, err := uplink()
	if err != nil {
		return nil, err
	}
	return withServer(down)
}
