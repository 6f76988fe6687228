// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// TestCandidates goes once through the addresses of a subnet, from the last one on.
func TestCandidates(t *testing.T) {
	for _, tt := range []struct{ subnet, last, want string }{
		{"10.1.0.0/30", "", "[10.1.0.2]"},
		{"10.1.0.0/30", "10.1.0.2", "[10.1.0.2]"},
		{"10.1.0.0/29", "", "[10.1.0.2 10.1.0.3 10.1.0.4 10.1.0.5 10.1.0.6]"},
		{"10.1.0.0/29", "10.1.0.4", "[10.1.0.5 10.1.0.6 10.1.0.2 10.1.0.3 10.1.0.4]"},
		{"10.1.0.0/29", "10.1.0.6", "[10.1.0.2 10.1.0.3 10.1.0.4 10.1.0.5 10.1.0.6]"},
		{"10.1.0.0/29", "10.2.0.6", "[10.1.0.2 10.1.0.3 10.1.0.4 10.1.0.5 10.1.0.6]"},
		{"fd00::/126", "", "[fd00::2 fd00::3]"},
		{"fd00::/126", "fd00::2", "[fd00::3 fd00::2]"},
		{"255.255.255.252/30", "255.255.255.254", "[255.255.255.254]"},
	} {
		subnet := netip.MustParsePrefix(tt.subnet)
		last, _ := netip.ParseAddr(tt.last)
		var got []netip.Addr
		for a := range candidates(nsnet.Subnets{subnet}, subnet, last) {
			got = append(got, a)
		}
		if d := cmp.Diff(tt.want, fmt.Sprint(got)); d != "" {
			t.Errorf("%s after %s:\n%s", tt.subnet, tt.last, d)
		}
	}
}

// TestLeases gives out addresses, each once, and takes them back.
func TestLeases(t *testing.T) {
	dir := leases(filepath.Join(t.TempDir(), "lab"))
	subnets := nsnet.Subnets{netip.MustParsePrefix("10.1.0.0/29"), netip.MustParsePrefix("fd00::/64")}
	allot := func(run string, wanted ...nsnet.Address) string {
		t.Helper()
		all, err := dir.allot(subnets, wanted, Run{run, "name-" + run})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(all)
	}
	release := func(run string) string {
		t.Helper()
		own, err := dir.of(run)
		if err != nil {
			return err.Error()
		}
		left, err := dir.release(run, own)
		return fmt.Sprint(left, err)
	}
	want := nsnet.Address{Addr: netip.MustParseAddr("10.1.0.6")}
	for i, step := range []struct{ got, want string }{
		{allot("a"), "[10.1.0.2/29 fd00::2/64]"},
		{allot("b", want), "[10.1.0.6/29 fd00::3/64]"},
		{allot("c"), "[10.1.0.3/29 fd00::4/64]"},
		{allot("d", want), "address 10.1.0.6 is in use by run name-b"},
		{release("d"), "6 <nil>"},
		{release("a"), "4 <nil>"},
		{allot("e"), "[10.1.0.4/29 fd00::5/64]"},
		{allot("f"), "[10.1.0.5/29 fd00::6/64]"},
		{allot("g"), "[10.1.0.2/29 fd00::7/64]"},
		{allot("h"), "no address left in 10.1.0.0/29: all 5 are leased"},
		{release("nobody"), "10 <nil>"},
	} {
		if d := cmp.Diff(step.want, step.got); d != "" {
			t.Errorf("step %d:\n%s", i+1, d)
		}
	}
	// What was cut short is nobody's.
	if err := os.WriteFile(filepath.Join(string(dir), "10.1.0.6"), []byte(`{"runId":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := allot("i"); got != "[10.1.0.6/29 fd00::8/64]" {
		t.Errorf("a torn lease: %s", got)
	}
}

// TestTheLeasesOfNobodyAreRemoved has the files of who was killed while he wrote.
func TestTheLeasesOfNobodyAreRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nsrunn0")
	subnets := nsnet.Subnets{netip.MustParsePrefix("10.1.0.0/29")}
	leased, err := leases(dir).allot(subnets, nil, Run{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"last4", "10.1.0.3"} {
		if err := os.WriteFile(partOf(filepath.Join(dir, name)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := leases(dir).release("a", []netip.Addr{leased[0].Addr()}); left != 0 || err != nil {
		t.Errorf("%d leases are left, %v", left, err)
	}
	if err := removeDir("nsrunn0", leases(dir)); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is there: %v", err)
	}
}
