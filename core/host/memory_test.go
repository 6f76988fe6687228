// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// envMeasured makes the test binary a plugin host that negotiates with the plugin
// at this path and says how much memory that took.
const envMeasured = "NSRUN_HOST_TEST_MEASURED"

// maxResident is the most that a host may need for a plugin, whatever it does, in
// KiB.
const maxResident = 64 << 10

// measured prints the most memory that this process had in use, in KiB;
// proc_pid_status(5).
func measured() {
	p, err := find.Find(os.Getenv(envMeasured), find.Dirs{UID: os.Geteuid()})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := New(Config{Dir: os.Getenv(envVictimDir), Deadlines: hasty})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = h.Negotiate(context.Background(), p, request(p))
	_, err2 := h.Hook(context.Background(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.PreExec})
	h.Close()
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var peak int
	_, _ = fmt.Sscan(rest, &peak)
	fmt.Println(peak, err, err2)
}

// TestMemoryIsBounded has the plugins that send, print or keep as much as they
// can.
func TestMemoryIsBounded(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes many times the memory")
	}
	for _, mode := range []string{
		"good", "huge", "manysteps", "millionsteps", "longstatus", "ansi", "endless", "longline",
		"flood-early", "flood-stdout", "flood-stderr", "flood-stream", "daemon", "deaf",
	} {
		t.Run(mode, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "nsrun-h-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), envMeasured+"="+bad(t, mode).Path, envVictimDir+"="+dir)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var peak int
			if _, err := fmt.Sscan(string(out), &peak); err != nil || peak == 0 {
				t.Fatalf("the host says %.300q", out)
			}
			t.Logf("%d KiB", peak)
			if peak > maxResident {
				t.Errorf("the host took %d KiB, %d are allowed: %.200s", peak, maxResident, out)
			}
			wantNoProcess(t, dir)
		})
	}
}
