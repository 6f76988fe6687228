// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"path/filepath"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/lock"
	"github.com/nsrun/nsrun/ns"
)

// lockFile returns the lock file that the command line names, or "": --locked is
// nsrun.lock in the working directory dir.
func (p Preview) lockFile(dir string) string {
	if !p.Given("locked") {
		return ""
	}
	file := lock.FileName
	if values := p.values("locked"); !p.Has("locked") && len(values) > 0 {
		file = values[len(values)-1]
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return file
}

// useLock has the session execute no plugin but those of the lock file at path,
// if there is to be one. What dead runs owe is not held up by it.
func (s *Session) useLock(path string) error {
	if path == "" {
		return nil
	}
	file, err := lock.Read(path)
	if err != nil {
		return err
	}
	s.locked = &lockedHost{Host: s.Host, session: s, file: file}
	s.Host = s.locked
	return nil
}

// checkLock compares the members with the lock file, if there is one: a run may
// have all that it needs of them from the cache. The error joins all that differ.
func (s *Session) checkLock(ctx context.Context, members []*Member) error {
	if s.locked == nil {
		return nil
	}
	return sideBySide(len(members), func(i int) error { return s.locked.compare(ctx, members[i].Plugin) })
}

// lockedHost calls no plugin that isn't the one of a lock file, also to find out
// what it is.
type lockedHost struct {
	Host
	session *Session
	file    *lock.File
}

func (h *lockedHost) compare(ctx context.Context, p find.Plugin) error {
	sum, err := h.session.Digest(ctx, p)
	if err != nil {
		return err
	}
	return h.file.Compare(p.Name, p.Path, sum)
}

// Describe implements Host.
func (h *lockedHost) Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error) {
	if err := h.compare(ctx, p); err != nil {
		return nil, err
	}
	return h.Host.Describe(ctx, p)
}

// Negotiate implements Host.
func (h *lockedHost) Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error) {
	if err := h.compare(ctx, p); err != nil {
		return nil, err
	}
	return h.Host.Negotiate(ctx, p, req)
}

// Check implements Host.
func (h *lockedHost) Check(ctx context.Context, p find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error) {
	if err := h.compare(ctx, p); err != nil {
		return nil, err
	}
	return h.Host.Check(ctx, p, facts)
}

// digestKey finds digests in the cache. The identity of a file changes with its
// content.
type digestKey struct {
	Digest find.Plugin `json:"digest"`
}

// Digest returns the SHA-256 of a plugin's file, from the cache if the file is the
// same as when it was read.
func (s *Session) Digest(ctx context.Context, p find.Plugin) (sum string, err error) {
	key := digestKey{Digest: p}
	if s.Cache.Get(key, &sum) {
		return sum, nil
	}
	if sum, err = s.Host.Digest(ctx, p); err != nil {
		return "", err
	}
	s.keep(s.Cache, "a digest", key, sum, cache.Files{})
	return sum, nil
}
