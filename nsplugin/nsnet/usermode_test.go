// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func TestCheckTun(t *testing.T) {
	there := filepath.Join(t.TempDir(), "tun")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkTun("pasta", there); err != nil {
		t.Errorf("usable: %v", err)
	}
	var d *ns.Diagnostic
	if err := checkTun("pasta", "/nosuch"); !errors.As(err, &d) || d.Summary != "open /nosuch: no such file or directory" ||
		d.Detail != "pasta makes the sandbox's interface with it" || d.Hint != "modprobe tun, as root" {
		t.Errorf("missing: %+v", d)
	}
}

func TestCheckTCPAndUDP(t *testing.T) {
	ports, err := PublishOption{Publish: []string{"1:1", "2:2/udp", "3:3/sctp"}}.Ports()
	if err != nil {
		t.Fatal(err)
	}
	var d *ns.Diagnostic
	if err := CheckTCPAndUDP("pasta", "publish", ports); !errors.As(err, &d) || d.Summary != "publish 3->3/sctp: pasta knows tcp and udp only" || d.Option != "publish" {
		t.Errorf("got %+v", d)
	}
	if err := CheckTCPAndUDP("pasta", "publish", ports[:2]); err != nil {
		t.Errorf("got %v", err)
	}
}
