// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// adapter lets go-plugin log to slog. All of it is for debugging: what the user
// has to know is said in the error of the call.
type adapter struct {
	hclog.Logger // does what is left: nothing
	log          *slog.Logger
}

func adapt(log *slog.Logger) hclog.Logger {
	return &adapter{Logger: hclog.NewNullLogger(), log: log.With("by", "go-plugin")}
}

func (a *adapter) Log(_ hclog.Level, msg string, args ...any) { a.log.Debug(msg, args...) }
func (a *adapter) Debug(msg string, args ...any)              { a.log.Debug(msg, args...) }
func (a *adapter) Info(msg string, args ...any)               { a.log.Debug(msg, args...) }
func (a *adapter) Warn(msg string, args ...any)               { a.log.Debug(msg, args...) }
func (a *adapter) Error(msg string, args ...any)              { a.log.Debug(msg, args...) }

func (a *adapter) With(args ...any) hclog.Logger {
	return &adapter{Logger: a.Logger, log: a.log.With(args...)}
}

func (a *adapter) Named(string) hclog.Logger      { return a }
func (a *adapter) ResetNamed(string) hclog.Logger { return a }

func (a *adapter) IsDebug() bool { return a.log.Enabled(context.Background(), slog.LevelDebug) }
func (a *adapter) IsInfo() bool  { return a.IsDebug() }
func (a *adapter) IsWarn() bool  { return a.IsDebug() }
func (a *adapter) IsError() bool { return a.IsDebug() }
