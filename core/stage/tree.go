// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"

	"github.com/nsrun/nsrun/core/stage/program"
)

// mounted is a mount that the plan makes, or the tree that there was before.
type mounted struct {
	target string
	// ours holds a descriptor of the mount's root if files may be created in it:
	// it is the run's root directory, or a file system made for the run. What
	// lies elsewhere belongs to the host.
	ours program.Reg
	// host says that paths in it are paths of the host.
	host bool
}

// tree is what is mounted where, in the order of mounting.
type tree struct{ mounts []mounted }

func (t *tree) add(m mounted) { t.mounts = append(t.mounts, m) }

// at returns the mount that path lies in, as far as its text tells: the last
// one on it or above it.
func (t *tree) at(path string) mounted {
	for i := len(t.mounts) - 1; i >= 0; i-- {
		if m := t.mounts[i]; Below(m.target, path) {
			return m
		}
	}
	return mounted{target: "/", host: true}
}

// Below reports whether path is dir or lies below it. Both are clean and absolute.
func Below(dir, path string) bool {
	return dir == "/" || path == dir || strings.HasPrefix(path, dir+"/")
}

// relative returns path as seen from dir, which it is below.
func relative(dir, path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")
}
