// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"golang.org/x/sys/unix"
)

// limit is a limit that was asked for.
type limit struct {
	option     string
	controller string // as cgroup v2 calls it
	// v1 and v2 are what to write, in the files of either version; the kernel's
	// admin-guide/cgroup-v1 and cgroup-v2.
	v1, v2 []setting
}

// setting is a value for a file of a group.
type setting struct {
	file, value string
	optional    bool // the file isn't there in every kernel
}

// controllerOf holds the controller that each option needs.
var controllerOf = map[string]string{"memory": "memory", "cpus": "cpu", "pids-limit": "pids", "device-read-bps": "io", "device-write-bps": "io"}

// limits returns the limits that the options ask for, and all that is wrong with
// them.
func (c *cgroup) limits() ([]limit, error) {
	var limits []limit
	var errs []error
	add := func(option, value string, parse func(string) (limit, error)) {
		if value == "" {
			return
		}
		l, err := parse(value)
		if err != nil {
			errs = append(errs, nsplugin.Errorf("--%s %s: can't be used", option, value).WithOption(option).WithHint(hints[option]))
		}
		l.option, l.controller = option, controllerOf[option]
		limits = append(limits, l)
	}
	add("memory", c.Memory, memoryLimit)
	add("cpus", c.CPUs, cpuLimit)
	add("pids-limit", c.Pids, pidsLimit)
	for _, v := range c.ReadBPS {
		add("device-read-bps", v, func(v string) (limit, error) { return deviceLimit(v, "read", "rbps") })
	}
	for _, v := range c.WriteBPS {
		add("device-write-bps", v, func(v string) (limit, error) { return deviceLimit(v, "write", "wbps") })
	}
	return limits, errors.Join(errs...)
}

// hints say what each option takes.
var hints = map[string]string{
	"memory": "--memory 64m, a number of bytes with k, m, g or t behind it", "cpus": "--cpus 0.5, at least 0.01",
	"pids-limit": "--pids-limit 100, at least 1", "device-read-bps": "--device-read-bps /dev/sda:10m, a block device and bytes per second",
	"device-write-bps": "--device-write-bps /dev/sda:10m, a block device and bytes per second",
}

func memoryLimit(s string) (limit, error) {
	n, err := parseSize(s)
	text := strconv.FormatUint(n, 10)
	return limit{
		v1: []setting{{file: "memory.limit_in_bytes", value: text}, {file: "memory.memsw.limit_in_bytes", value: text, optional: true}},
		v2: []setting{{file: "memory.max", value: text}, {file: "memory.swap.max", value: "0", optional: true}},
	}, err
}

// cpuPeriod is the span within which processor time is counted, in microseconds.
const cpuPeriod = 100_000

func cpuLimit(s string) (limit, error) {
	n, err := strconv.ParseFloat(s, 64)
	quota := math.Round(n * cpuPeriod)
	if err == nil && !(quota >= 1000 && n < 1<<20) { // the kernel takes no less than 1 ms
		err = strconv.ErrRange
	}
	return limit{
		v1: []setting{{file: "cpu.cfs_period_us", value: strconv.Itoa(cpuPeriod)}, {file: "cpu.cfs_quota_us", value: fmt.Sprintf("%.0f", quota)}},
		v2: []setting{{file: "cpu.max", value: fmt.Sprintf("%.0f %d", quota, cpuPeriod)}},
	}, err
}

func pidsLimit(s string) (limit, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if n == 0 {
		err = strconv.ErrRange
	}
	set := []setting{{file: "pids.max", value: strconv.FormatUint(n, 10)}}
	return limit{v1: set, v2: set}, err
}

func deviceLimit(s, v1, v2 string) (limit, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return limit{}, strconv.ErrSyntax
	}
	rate, err := parseSize(s[i+1:])
	if err != nil {
		return limit{}, err
	}
	var st unix.Stat_t
	if err := unix.Stat(s[:i], &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return limit{}, errors.Join(err, unix.ENOTBLK)
	}
	device := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	return limit{
		v1: []setting{{file: "blkio.throttle." + v1 + "_bps_device", value: fmt.Sprintf("%s %d", device, rate)}},
		v2: []setting{{file: "io.max", value: fmt.Sprintf("%s %s=%d", device, v2, rate)}},
	}, nil
}

// refuse says that a limit can't be set here.
func (l *limit) refuse(why, hint string) *ns.Diagnostic {
	d := nsplugin.Errorf("--%s: the controller %s can't be used", l.option, l.controller).WithOption(l.option).WithHint(hint)
	d.Detail = why
	return d
}
