// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parseTmpfs splits DST[:size=SIZE,mode=MODE] into the target and the mount
// options; tmpfs(5). The options start at the last colon that no slash
// follows, so a name with a colon is written with a colon after it.
func parseTmpfs(arg string) (path, data string, err error) {
	path, options := arg, ""
	if i := strings.LastIndexByte(arg, ':'); i >= 0 && !strings.Contains(arg[i:], "/") {
		path, options = arg[:i], arg[i+1:]
	}
	if path == "" {
		return "", "", errors.New("the directory is missing")
	}
	data, err = tmpfsData(options)
	return path, data, err
}

// tmpfsData returns the mount options, checked. The mode is always among them:
// the kernel's default lets everybody write.
func tmpfsData(options string) (string, error) {
	mode, size := "mode=0755", ""
	if options == "" {
		return mode, nil
	}
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case key == "mode" && validMode(value):
			mode = option
		case key == "size" && validSize(value):
			size = "," + option
		case key == "mode":
			return "", fmt.Errorf("%q is no mode, which has octal digits up to 1777", value)
		case key == "size":
			return "", fmt.Errorf("%q is no size, which has digits and then k, m, g, %% or nothing", value)
		default:
			return "", fmt.Errorf("unknown tmpfs option %q", key)
		}
	}
	return mode + size, nil
}

// validMode reports whether s holds permission bits, in octal. Setuid and
// setgid bits mean nothing on the root of a tmpfs.
func validMode(s string) bool {
	n, err := strconv.ParseUint(s, 8, 12)
	return err == nil && n&^0o1777 == 0
}

// validSize reports whether s is a size that the kernel takes: memparse() with
// the suffixes that fit, or a share of the memory.
func validSize(s string) bool {
	n, err := strconv.ParseUint(strings.TrimRight(s, "kKmMgG%"), 10, 44)
	digits := len(strings.TrimLeft(s, "0123456789"))
	return err == nil && n > 0 && digits <= 1
}
