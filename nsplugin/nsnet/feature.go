// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"reflect"
	"slices"
	"strings"
)

// neutral are the options that mean the same on every backend.
var neutral = []string{
	"publish", "ip", "ip6", "mac", "mtu", "dns", "dns-search", "add-host", "no-hosts",
	"bandwidth", "allow-host", "isolate",
}

// Features returns what the descriptor of a backend lists: the backend-neutral
// options that backend, a pointer to the plugin's struct, has among its fields,
// and more, such as "bridge", what else there is to say. They are sorted.
func Features(backend any, more ...string) []string {
	features := slices.Clone(more)
	for _, f := range reflect.VisibleFields(reflect.TypeOf(backend).Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("option"), ",")
		if slices.Contains(neutral, name) {
			features = append(features, name)
		}
	}
	slices.Sort(features)
	return slices.Compact(features)
}

// Neutral returns the names of the options that mean the same on every backend.
func Neutral() []string { return slices.Clone(neutral) }
