// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestOffer(t *testing.T) {
	for name, c := range map[string]struct {
		plugin landlock
		want   []string
	}{
		"paths": {landlock{RO: []string{"/etc"}, RX: []string{"/usr"}, RW: []string{"/tmp"}, RWX: []string{"/work"}},
			[]string{"landlock  fs", "landlock-path /etc read", "landlock-path /usr read,execute", "landlock-path /tmp read,write", "landlock-path /work read,write,execute"}},
		"ports":      {landlock{Bind: []string{"80", "443"}}, []string{"landlock  bind-tcp", "landlock-port 80 bind-tcp", "landlock-port 443 bind-tcp"}},
		"no port":    {landlock{Connect: []string{"none"}}, []string{"landlock  connect-tcp"}},
		"scopes":     {landlock{Scope: []string{"signal", "abstract-unix", "signal"}}, []string{"landlock  signal,abstract-unix"}},
		"everything": {landlock{RO: []string{"/"}, Bind: []string{"none"}, Scope: []string{"signal"}}, []string{"landlock  fs,bind-tcp,signal", "landlock-path / read"}},
		"nothing":    {},
	} {
		t.Run(name, func(t *testing.T) {
			offer, err := c.plugin.Negotiate(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range offer.Steps {
				got = append(got, string(s.Op)+" "+s.Target+" "+s.Data)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
			if warned := len(offer.Diagnostics) == 1; warned != (c.want == nil) {
				t.Errorf("diagnostics %v", offer.Diagnostics)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &landlock{},
		nstest.Case{Name: "a path", Settings: []ns.Setting{{Option: "landlock-rx", Args: []string{"/usr"}}}},
		nstest.Case{Name: "no port", Settings: []ns.Setting{{Option: "landlock-bind-tcp", Args: []string{"65536"}}}, Refused: "--landlock-bind-tcp 65536"},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &landlock{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
