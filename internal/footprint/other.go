// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package footprint

func madvise(start, end, advice uintptr) {}

func segments() (code, variables uintptr) { return 0, 0 }

func address(p *[2 * pageSize]byte) uintptr { return 0 }
