// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
)

// bandwidth is what iperf3 -J, which p must run, received, in Gbit/s.
func bandwidth(p *exec.Cmd) (float64, error) {
	text, err := p.Output()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, text)
	}
	var report struct {
		End struct {
			Received struct {
				Bits float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		} `json:"end"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return 0, fmt.Errorf("read iperf3's report: %w", err)
	}
	if report.End.Received.Bits == 0 {
		return 0, fmt.Errorf("iperf3 received nothing:\n%s", text)
	}
	return report.End.Received.Bits / 1e9, nil
}

// byHand is a bridge with a namespace on it, made with ip(8) alone, and an iperf3
// server that both that namespace and nsrun's sandboxes reach on the host.
var byHand = []string{
	"ip link add nsrunbench1 type bridge",
	"ip addr add 10.179.0.1/24 dev nsrunbench1",
	"ip link set nsrunbench1 up",
	"ip netns add nsrunbench",
	"ip link add nsrunbench2 type veth peer name eth0 netns nsrunbench",
	"ip link set nsrunbench2 master nsrunbench1 up",
	"ip -n nsrunbench addr add 10.179.0.2/24 dev eth0",
	"ip -n nsrunbench link set eth0 up",
	"ip link set lo up",
}

func bridgeByHand() (cleanUp func(), err error) {
	if err := shell(byHand...); err != nil {
		return nil, err
	}
	return withServer(func() {
		_ = shell("ip netns del nsrunbench")
		_ = shell("ip link del nsrunbench1")
	})
}

// withServer starts an iperf3 server, and returns what ends it and then calls after,
// which is also called if there is none.
func withServer(after func()) (cleanUp func(), err error) {
	server := exec.Command("iperf3", "-s")
	if err := server.Start(); err != nil {
		after()
		return nil, err
	}
	return func() {
		server.Process.Kill()
		_ = server.Wait()
		after()
	}, nil
}
