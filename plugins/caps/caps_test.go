// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func set(pairs ...string) (settings []ns.Setting) {
	for i := 0; i < len(pairs); i += 2 {
		settings = append(settings, ns.Setting{Option: pairs[i], Args: []string{pairs[i+1]}})
	}
	return settings
}

func TestOffer(t *testing.T) {
	for name, c := range map[string]struct {
		uid      int
		settings []ns.Setting
		want     string
	}{
		"an ordinary user has none":         {1000, nil, ""},
		"root has some":                     {0, nil, "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,sys_chroot,setfcap"},
		"nothing at all":                    {0, set("cap-drop", "all"), ""},
		"a few":                             {0, set("cap-drop", "ALL", "cap-add", "CAP_KILL,chown"), "chown,kill"},
		"all but one":                       {1000, set("cap-add", "all", "cap-drop", "sys_admin"), strings.Replace(strings.Join(ns.Capabilities(), ","), "sys_admin,", "", 1)},
		"the last one wins":                 {1000, set("cap-add", "kill", "cap-drop", "kill"), ""},
		"ambient ones":                      {1000, set("cap-ambient", "net_bind_service"), "+net_bind_service"},
		"an ambient one that is taken back": {1000, set("cap-ambient", "kill", "cap-drop", "all"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			offer, err := (&caps{}).Negotiate(t.Context(), &ns.Request{Settings: c.settings, Facts: ns.Facts{UID: c.uid}})
			if err != nil {
				t.Fatal(err)
			}
			if got := offer.Steps[0].Data; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAllThatIsWrongIsTold(t *testing.T) {
	_, err := (&caps{}).Negotiate(t.Context(), &ns.Request{Settings: set("cap-add", "fly", "cap-drop", "swim")})
	ds := ns.Diagnose(err)
	if len(ds) != 2 || ds[0].Option != "cap-add" || ds[1].Option != "cap-drop" || ds[0].Hint == "" {
		t.Errorf("got %+v", ds)
	}
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &caps{},
		nstest.Case{Name: "options", Settings: set("cap-drop", "all", "cap-ambient", "kill")},
		nstest.Case{Name: "no capability", Settings: set("cap-add", "fly"), Refused: "--cap-add fly"},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &caps{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
