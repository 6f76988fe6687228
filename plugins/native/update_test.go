// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// publishing returns the plugin with published ports.
func publishing(ports ...string) *native {
	return &native{Options: bridge.Options{PublishOption: nsnet.PublishOption{Publish: ports}}}
}

func settings(ports []string) (all []ns.Setting) {
	for _, p := range ports {
		all = append(all, ns.Setting{Option: "publish", Args: []string{p}})
	}
	return all
}

// update changes what a sandbox has published, and keeps the state as nsrun does.
func update(t *testing.T, s *nettest.Sandbox, n *native, add, remove []string) error {
	t.Helper()
	s.Req.Point, s.Req.Request.Settings = ns.Update, settings(n.Publish)
	s.Req.Add, s.Req.Remove = settings(add), settings(remove)
	reply, err := n.Update(t.Context(), s.Req)
	if err == nil {
		if ds := ns.CheckReply(s.Req, reply); len(ds) > 0 {
			t.Errorf("refused: %+v", ds)
		}
		s.Req.State = reply.State
	}
	return err
}

// publishedPorts are those of all runs in the table.
func publishedPorts(h *nettest.Host) string {
	var found []string
	for _, m := range []string{"any4", "one4"} {
		for _, word := range strings.FieldsFunc(h.Run("nft", "list", "map", "inet", "nsrun", m), func(r rune) bool { return strings.ContainsRune(" \n\t,{}", r) }) {
			if len(word) == 4 && word > "8000" && word < "9999" {
				found = append(found, word)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

// TestAnUpdateThatWasCutShort has a run of which nobody knows what it has published: the
// next update puts it right, and PostExec takes all away.
func TestAnUpdateThatWasCutShort(t *testing.T) {
	h := nettest.NewHost(t)
	other, s := h.NewSandbox(), h.NewSandbox()
	other.MustPre(publishing("9000:90"))
	s.MustPre(publishing("8080:80"))
	cutShort := func() {
		t.Helper()
		if err := update(t, s, publishing("8080:80"), []string{"8081:81"}, nil); err != nil {
			t.Fatal(err)
		}
		s.Req.State = nil // what nsrun knows without the answer
		if got := publishedPorts(h); got != "8080 8081 9000" {
			t.Fatalf("published: %s", got)
		}
	}
	cutShort()
	if err := update(t, s, publishing("8080:80"), []string{"8082:82"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := publishedPorts(h); got != "8080 8082 9000" {
		t.Errorf("published after the next update: %s", got)
	}
	if err := update(t, s, publishing("8080:80", "8082:82"), nil, []string{"8082:82"}); err != nil {
		t.Fatal(err)
	}
	cutShort()
	s.MustPost(publishing("8080:80"))
	if got := publishedPorts(h); got != "9000" {
		t.Errorf("published after the run's end: %s", got)
	}
	other.MustPost(publishing("9000:90"))
	h.Lacks("nsrun", `nsr\w+`)
}

// TestAnUpdateComesTooLate updates a run that was detached: it leaves nothing.
func TestAnUpdateComesTooLate(t *testing.T) {
	for _, alone := range []bool{true, false} {
		h := nettest.NewHost(t)
		other, s := h.NewSandbox(), h.NewSandbox()
		if !alone {
			other.MustPre(publishing())
		}
		s.MustPre(publishing("8080:80"))
		s.MustPost(publishing("8080:80"))
		err := update(t, s, publishing("8080:80"), []string{"8081:81"}, nil)
		if err == nil || !strings.Contains(err.Error(), "change published ports: ") {
			t.Errorf("got %v", err)
		}
		if left, _ := os.ReadDir(string(nsnet.HostPorts)); len(left) > 1 {
			t.Errorf("left: %v", left)
		}
		if !alone {
			other.MustPost(publishing())
		}
		h.Lacks("nsrun", `nsr\w+`)
	}
}

// TestARefusedUpdateChangesNothing has something in the way of each kind.
func TestARefusedUpdateChangesNothing(t *testing.T) {
	h := nettest.NewHost(t)
	other, s := h.NewSandbox(), h.NewSandbox()
	other.MustPre(publishing("9000:90"))
	s.MustPre(publishing("8080:80"))
	for _, tt := range []struct {
		add, remove []string
		want        string
	}{
		{[]string{"8081:81", "9000:80"}, []string{"8080:80"}, "by run " + other.ID},
		{nil, []string{"8080:80", "8080:80"}, "unpublish 8080->80/tcp: it is not published"},
		{[]string{"8080:81"}, nil, "host port 8080/tcp is published already"},
	} {
		if err := update(t, s, publishing("8080:80"), tt.add, tt.remove); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
		if got := publishedPorts(h); got != "8080 9000" {
			t.Errorf("published: %s", got)
		}
	}
	s.MustPost(publishing("8080:80"))
	other.MustPost(publishing("9000:90"))
}
