// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// dir is where the command finds its secrets, as in the containers of others.
const dir = "/run/secrets"

// secrets is the plugin, with its option. The option's values are no secrets: they
// say where nsrun is to take them from.
type secrets struct {
	Secrets []string `option:"secret" args:"NAME=SOURCE" help:"put a secret into /run/secrets/NAME; SOURCE is fd:N, file:PATH or env:VAR"`
}

// Describe implements nsplugin.Plugin.
func (*secrets) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "secrets", Version: "1.0.0", Summary: "secrets as files in memory"}
}

// Negotiate implements nsplugin.Plugin.
func (s *secrets) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if len(s.Secrets) == 0 {
		return &ns.Offer{Freshness: &ns.Freshness{}}, nil
	}
	files, err := s.files(req.Facts.Dir)
	if err != nil {
		return nil, err
	}
	return &ns.Offer{Wants: []ns.Kind{ns.Mount}, Steps: around(files), Freshness: &ns.Freshness{}}, nil
}

// files returns the steps that make the files.
func (s *secrets) files(cwd string) (steps []ns.Step, err error) {
	seen := map[string]bool{}
	var errs []error
	for i, given := range s.Secrets {
		name, rest, _ := strings.Cut(given, "=")
		source, problem := sourceOf(rest, cwd)
		switch {
		case !validName(name):
			problem = errors.New("the name is made of other things than letters, digits, dots, hyphens and underscores")
		case seen[name]:
			problem = errors.New("the name is given twice")
		}
		if problem != nil {
			errs = append(errs, refuse(i, name, problem))
			continue
		}
		seen[name] = true
		steps = append(steps, nsplugin.FileFrom(source, dir+"/"+name, 0o400))
	}
	return steps, errors.Join(errs...)
}

// refuse says what is wrong with a secret, without what stands behind its name:
// who types the secret itself there shall not find it in a log.
func refuse(i int, name string, problem error) *ns.Diagnostic {
	if !validName(name) {
		name = "number " + strconv.Itoa(i+1)
	}
	return nsplugin.Errorf("--secret %s: %w", name, problem).WithOption("secret").
		WithHint("--secret NAME=fd:3 3<FILE, --secret NAME=file:PATH or --secret NAME=env:VAR")
}

// sourceOf reads fd:N, file:PATH or env:VAR.
func sourceOf(text, cwd string) (ns.Source, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok && path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(cwd, path)
		}
		return ns.Source{FD: -1, Path: filepath.Clean(path)}, nil
	}
	source, err := ns.ParseSource(text)
	if err != nil || source.Path != "" {
		return source, errors.New("what stands behind the name is neither fd:N, file:PATH nor env:VAR")
	}
	return source, nil
}

// validName reports whether name can be that of a file, and be shown.
func validName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return name != "" && name != "." && name != ".." && len(name) <= 64 && strings.Trim(name, letters) == ""
}

// around puts the files into a directory that holds nothing else, and that
// nothing can be added to.
func around(files []ns.Step) []ns.Step {
	steps := []ns.Step{nsplugin.Mkdir(dir, 0), nsplugin.Tmpfs(dir, "size=64k,mode=0755", ns.NoSUID, ns.NoDev, ns.NoExec)}
	return append(append(steps, files...), nsplugin.Remount(dir, ns.ReadOnly))
}
