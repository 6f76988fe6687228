// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// rlimits holds the names of the resource limits in the order of the kernel's
// numbers, in lower case and without RLIMIT_; getrlimit(2).
var rlimits = []string{
	"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending",
	"msgqueue", "nice", "rtprio", "rttime",
}

// Rlimits returns the names of all resource limits, in lower case and without
// RLIMIT_, in the order of their numbers.
func Rlimits() []string { return slices.Clone(rlimits) }

// RlimitNumber returns the number of the resource limit name, and false if there
// is none of that name.
func RlimitNumber(name string) (int, bool) {
	i := slices.Index(rlimits, name)
	return i, i >= 0
}

// RlimitInfinity stands for no limit; RLIM_INFINITY of getrlimit(2).
const RlimitInfinity uint64 = math.MaxUint64

// ParseRlimit reads SOFT:HARD, or one value for both: decimal numbers in the
// kernel's units, or "unlimited".
func ParseRlimit(data string) (soft, hard uint64, err error) {
	left, right, both := strings.Cut(data, ":")
	if !both {
		right = left
	}
	if soft, err = parseLimit(left); err != nil {
		return 0, 0, err
	}
	if hard, err = parseLimit(right); err != nil {
		return 0, 0, err
	}
	if soft > hard {
		return 0, 0, fmt.Errorf("the soft limit %s is above the hard limit %s", left, right)
	}
	return soft, hard, nil
}

func parseLimit(s string) (uint64, error) {
	if s == "unlimited" {
		return RlimitInfinity, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("not a limit: %s is neither a number nor unlimited", quote(s))
	}
	return n, nil
}

// FormatRlimit returns a limit as [ParseRlimit] reads it.
func FormatRlimit(soft, hard uint64) string { return formatLimit(soft) + ":" + formatLimit(hard) }

func formatLimit(n uint64) string {
	if n == RlimitInfinity {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}
