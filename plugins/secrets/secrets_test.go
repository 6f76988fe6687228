// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func given(secrets ...string) (settings []ns.Setting) {
	for _, s := range secrets {
		settings = append(settings, ns.Setting{Option: "secret", Args: []string{s}})
	}
	return settings
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &secrets{},
		nstest.Case{Name: "each source", Settings: given("a=fd:3", "b=env:B", "c=file:/c")},
	)
}

func offer(t *testing.T, secretList ...string) *ns.Offer {
	return nstest.Start(t, &secrets{}).Negotiate(&ns.Request{
		Kinds: []ns.Kind{ns.Mount}, Settings: given(secretList...), Facts: ns.Facts{Dir: "/home/u"},
	})
}

func TestSecretsBecomeFilesForTheirUserAlone(t *testing.T) {
	got := offer(t, "db=fd:3", "token=file:deep/../token", "cert=file:/etc/cert", "api.key=env:API_KEY")
	want := []ns.Step{
		nsplugin.Mkdir("/run/secrets", 0),
		nsplugin.Tmpfs("/run/secrets", "size=64k,mode=0755", ns.NoSUID, ns.NoDev, ns.NoExec),
		{Op: ns.OpFile, Source: "fd:3", Target: "/run/secrets/db", Mode: 0o400},
		{Op: ns.OpFile, Source: "/home/u/token", Target: "/run/secrets/token", Mode: 0o400},
		{Op: ns.OpFile, Source: "/etc/cert", Target: "/run/secrets/cert", Mode: 0o400},
		{Op: ns.OpFile, Source: "env:API_KEY", Target: "/run/secrets/api.key", Mode: 0o400},
		nsplugin.Remount("/run/secrets", ns.ReadOnly),
	}
	if diff := cmp.Diff(want, got.Steps); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]ns.Kind{ns.Mount}, got.Wants); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrongIsToldWithoutTheSecret(t *testing.T) {
	const typed = "hunter2"
	for given, want := range map[string]string{
		"db=" + typed:           "--secret db: what stands behind the name is neither",
		typed:                   "what stands behind the name is neither",
		"db=/etc/passwd":        "--secret db: what stands behind the name is neither",
		"db=fd:-1":              "--secret db: what stands behind the name is neither",
		"db=fd:03":              "--secret db: what stands behind the name is neither",
		"db=env:NO-NAME":        "--secret db: what stands behind the name is neither",
		"db=file:":              "--secret db: what stands behind the name is neither",
		"../" + typed + "=fd:3": "--secret number 1: the name is made of",
		"..=fd:3":               "--secret number 1: the name is made of",
		"=fd:3":                 "--secret number 1: the name is made of",
	} {
		ds := offer(t, given).Diagnostics
		if len(ds) != 1 || !strings.Contains(ds[0].Summary, want) || ds[0].Option != "secret" || ds[0].Hint == "" {
			t.Errorf("%s: said %v", given, ds)
		}
		if given != typed && strings.Contains(ds[0].Error(), typed) {
			t.Errorf("%s: the secret is in the message: %v", given, ds)
		}
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	if ds := offer(t, "a=fd:3", "a=fd:4", "b=x", "/=fd:1").Diagnostics; len(ds) != 3 {
		t.Errorf("said %v", ds)
	}
}

func TestWithoutASecretThereIsNothingToDo(t *testing.T) {
	if diff := cmp.Diff(&ns.Offer{Freshness: &ns.Freshness{}}, offer(t)); diff != "" {
		t.Error(diff)
	}
}
