// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"io"
	"log/slog"
	"strings"
)

// logTo makes w the output of log/slog and log, in the JSON lines that nsrun
// reads (SPEC.md, "Logs"), from the named level on. Without a level, warnings
// and errors are logged.
//
// The writer is the standard error that the process started with: go-plugin
// puts a pipe of its own into os.Stderr later.
func logTo(w io.Writer, level string) {
	least := slog.LevelWarn
	_ = least.UnmarshalText([]byte(level)) // an unknown level leaves it as it is
	slog.SetDefault(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level:       least,
		ReplaceAttr: hclogAttr,
	})))
}

// hclogTime is the form of time stamps in hclog's JSON.
const hclogTime = "2006-01-02T15:04:05.000000Z07:00"

// hclogAttr renames what slog puts on each line to hclog's names.
func hclogAttr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.String("@timestamp", a.Value.Time().Format(hclogTime))
	case slog.LevelKey:
		return slog.String("@level", strings.ToLower(a.Value.String()))
	case slog.MessageKey:
		return slog.String("@message", a.Value.String())
	}
	return a
}
