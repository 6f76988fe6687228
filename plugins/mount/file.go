// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// file puts a file at dst that holds what the caller gave: a descriptor, by its number
// alone or as fd:N, or a variable, as env:VAR.
func (t *tree) file(option, from, dst string) {
	text := from
	if !strings.Contains(from, ":") {
		text = "fd:" + from
	}
	source, err := ns.ParseSource(text)
	if err != nil || source.Path != "" {
		t.problem(option, fmt.Sprintf("--%s %s %s: neither the number of a descriptor nor env:VAR: %q", option, from, dst, from),
			fmt.Sprintf("--%s 3 %s 3<FILE, or --ro-bind FILE %s", option, dst, dst))
		return
	}
	if dst, ok := t.target(option, dst); ok {
		t.place(nsplugin.FileFrom(source, dst, 0))
	}
}
