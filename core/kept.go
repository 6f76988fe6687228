// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/ns"
)

// store returns where answers about a run of these members are kept: nowhere if one of
// them has a sensitive setting, since the keys hold the settings, and the answers may.
func (s *Session) store(members []*Member) *cache.Store {
	sensitive := func(m *Member) bool { return ns.HasSensitive(m.Descriptor, m.Settings) }
	if slices.ContainsFunc(members, sensitive) {
		return nil
	}
	return s.Cache
}

// keep puts an answer under key for the next runs, as long as the files on which it
// depends don't change. A store that can't be written costs them time, and nothing else.
func (s *Session) keep(in *cache.Store, what string, key, answer any, on cache.Files) {
	if err := in.Put(key, answer, on); err != nil {
		s.Log.Debug("keep "+what, "error", err)
	}
}
