// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func publishSettings(texts []string) (all []ns.Setting) {
	for _, text := range texts {
		all = append(all, ns.Setting{Option: "publish", Args: []string{text}})
	}
	return all
}

func TestChange(t *testing.T) {
	for _, tt := range []struct {
		before, add, remove    string
		publish                string
		added, removed, faults string
	}{
		{"8080:80", "81:81", "", "8080:80 81:81", "81->81/tcp", "", ""},
		{"8080:80 81:81", "", "8080:80", "81:81", "", "8080->80/tcp", ""},
		{"8080:80", "8080:81", "8080:80/tcp", "8080:81", "8080->81/tcp", "8080->80/tcp", ""},
		{"8080:80", "8080:80", "8080:80", "8080:80", "", "", ""},
		{"10-14:20-24/udp", "", "12:22/udp", "10-11:20-21/udp 13-14:23-24/udp", "", "12->22/udp", ""},
		{"127.0.0.1:1-2:1-2 [::1]:1-2:1-2", "", "127.0.0.1:1:1 [::1]:2:2", "127.0.0.1:2:2/tcp [::1]:1:1/tcp", "", "127.0.0.1:1->1/tcp [::1]:2->2/tcp", ""},
		{"1:1 2:2", "", "1-2:1-2", "", "", "1->1/tcp 2->2/tcp", ""},
		{"1:1", "", "127.0.0.1:1:1", "1:1", "", "", "unpublish 127.0.0.1:1->1/tcp: it is not published"},
		{"1:1", "", "1:1/udp", "1:1", "", "", "unpublish 1->1/udp: it is not published"},
		{"1:1", "", "1:1 1:1", "", "", "1->1/tcp", "unpublish 1->1/tcp: it is not published"},
		{"1:1", "", "x", "1:1", "", "", "unpublish x: host port missing"},
	} {
		req := &ns.HookRequest{Add: publishSettings(strings.Fields(tt.add)), Remove: publishSettings(strings.Fields(tt.remove))}
		c, err := PublishOption{strings.Fields(tt.before)}.Change(req)
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if got := strings.Join(c.Publish, " "); got != tt.publish || PortsText(c.Added) != tt.added || PortsText(c.Removed) != tt.removed || fault != tt.faults {
			t.Errorf("%+v:\ngot publish %q, added %q, removed %q, %q", tt, got, PortsText(c.Added), PortsText(c.Removed), fault)
		}
	}
}

// TestChangeOfOtherOptions refuses them, and keeps their settings.
func TestChangeOfOtherOptions(t *testing.T) {
	mtu := ns.Setting{Option: "mtu", Args: []string{"1400"}}
	req := &ns.HookRequest{Add: []ns.Setting{mtu}}
	if _, err := (PublishOption{}).Change(req); err == nil || !strings.Contains(err.Error(), "update --mtu: only published ports can be changed") {
		t.Errorf("got %v", err)
	}
	req = &ns.HookRequest{Request: ns.Request{Settings: append(publishSettings([]string{"1:1"}), mtu)}, Add: publishSettings([]string{"2:2"}), Point: ns.Update}
	c, err := PublishOption{[]string{"1:1"}}.Change(req)
	if err != nil {
		t.Fatal(err)
	}
	reply := c.Reply(req)
	if ds := ns.CheckReply(req, reply); len(ds) > 0 || len(reply.Settings) != 3 || reply.Results["ports"] != "1->1/tcp 2->2/tcp" {
		t.Errorf("got %+v, %v", reply, ds)
	}
}
