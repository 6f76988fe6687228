// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package inherit

// getOpenFiles calls prlimit64(2) and returns a negative errno if that fails.
//
//go:noescape
func getOpenFiles(limit *rlimit) int64

func read() (limit rlimit) {
	if getOpenFiles(&limit) != 0 {
		return rlimit{}
	}
	return limit
}
