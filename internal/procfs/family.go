// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"os"
	"strconv"
)

// Family returns the process pid and all that descend from it, each after its children
// and pid itself last: who is killed in this order can't tell his children of it. It
// goes by the parents of all processes, since the children that proc(5) lists are
// those of one thread.
func Family(pid int) []int {
	children := map[int][]int{}
	for _, child := range all() {
		parent := Parent(child)
		children[parent] = append(children[parent], child)
	}
	var family []int
	var add func(int)
	add = func(p int) {
		for _, c := range children[p] {
			add(c)
		}
		family = append(family, p)
	}
	add(pid)
	return family
}

// all returns the processes of this PID namespace.
func all() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
