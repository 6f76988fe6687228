// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"log/slog"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// Session is what runs need of their surroundings.
type Session struct {
	// Host talks to plugins. Required. It should start nothing before it is called.
	Host Host
	// Base is where runs and caches are kept. Required.
	Base *journal.Base
	// Cache keeps what plugins answered; nil for none.
	Cache *cache.Store
	// Facts is what plugins are told of the host.
	Facts ns.Facts
	// Environ is the caller's environment.
	Environ []string
	// Log takes what --debug shows. Required.
	Log *slog.Logger
	// Notice is called with each diagnostic that doesn't refuse the run. Required.
	Notice func(*ns.Diagnostic)
	// Timings takes the times of phases; nil for none.
	Timings *Timings

	// ReadConfig reads configuration files. Required if there are any.
	ReadConfig func(context.Context, []config.Source) ([]config.File, error)

	dirs   find.Dirs
	locked *lockedHost // with --locked
	config []config.File
}

// NewSession returns a session with the facts of this process. The caller fills
// in the rest.
func NewSession() (*Session, error) {
	facts, err := hostFacts()
	return &Session{Facts: facts, Log: slog.New(slog.DiscardHandler), Notice: func(*ns.Diagnostic) {}}, err
}
