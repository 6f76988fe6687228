// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// portRange is a range of ports, both ends included.
type portRange struct{ first, last uint64 }

func (r portRange) has(port int) bool { return uint64(port) >= r.first && uint64(port) <= r.last }

// parseRange reads 8080 or 8000-8999.
func parseRange(text string) (portRange, error) {
	left, right, both := strings.Cut(text, "-")
	if !both {
		right = left
	}
	first, err := strconv.ParseUint(left, 10, 16)
	if err != nil {
		return portRange{}, fmt.Errorf("%q is no port", text)
	}
	last, err := strconv.ParseUint(right, 10, 16)
	if err != nil || last < first {
		return portRange{}, fmt.Errorf("%q is no range of ports", text)
	}
	return portRange{first, last}, nil
}
