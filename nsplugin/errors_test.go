// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func TestErrorfKeepsTheKernelsReason(t *testing.T) {
	_, cause := os.Open("/nonexistent/file")
	err := Errorf("read config: %w", cause).WithOption("config").WithHint("--config FILE").WithDetail("why")
	same(t, "error", err, &ns.Diagnostic{
		Summary: "read config: open /nonexistent/file: no such file or directory",
		Detail:  "why", Hint: "--config FILE", Option: "config", Errno: syscall.ENOENT,
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("errors.Is doesn't find the cause")
	}
}

func TestSeverities(t *testing.T) {
	same(t, "warning", Warnf("a %d", 1), &ns.Diagnostic{Severity: ns.Warning, Summary: "a 1"})
	same(t, "notice", Noticef("b"), &ns.Diagnostic{Severity: ns.Notice, Summary: "b"})
}
