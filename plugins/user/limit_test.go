// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

// The limit is set to 0 in a user namespace of the test's own, whose limits are
// its own as well.
func TestNoUserNamespacesAllowed(t *testing.T) {
	needRoot(t)
	const script = `exec unshare --user --map-root-user sh -ec 'echo 0 >/proc/sys/user/max_user_namespaces; exec /proc/self/fd/3'`
	got := runRole(t, script, role{})
	want := ns.Diagnostic{
		Summary: "new user namespace: not allowed on this host",
		Detail:  "user.max_user_namespaces is 0; namespaces(7)",
		Hint:    "sysctl user.max_user_namespaces=10000, as root",
	}
	if got.Offer == nil || len(got.Offer.Diagnostics) != 1 {
		t.Fatalf("outcome = %+v, want one diagnostic", got)
	}
	if diff := cmp.Diff(want, got.Offer.Diagnostics[0]); diff != "" {
		t.Errorf("diagnostic (-want +got):\n%s", diff)
	}
	if got.Err == "" {
		t.Error("the kernel made a user namespace all the same")
	}
}

func TestLimits(t *testing.T) {
	file := writeFile(t, t.TempDir(), "limit", "1\n", 0o644)
	tests := []struct {
		name string
		l    limit
		want bool
	}{
		{"set", limit{file: file, forbids: "1"}, true},
		{"set otherwise", limit{file: file, forbids: "0"}, false},
		{"a kernel without it", limit{file: file + "x", forbids: "1"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.l.holds(); got != tt.want {
				t.Errorf("holds = %v, want %v", got, tt.want)
			}
		})
	}
}
