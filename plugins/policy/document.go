// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nstoml"
)

// document is the form of a policy. What it doesn't have isn't restricted.
type document struct {
	Plugins    []string `toml:"plugins"`
	OwnPlugins *bool    `toml:"own-plugins"`
	NewPrivs   *bool    `toml:"new-privs"`
	Namespaces struct {
		Required []ns.Kind `toml:"required"`
		Allowed  []ns.Kind `toml:"allowed"`
	} `toml:"namespaces"`
	Files *struct {
		Read  []string `toml:"read"`
		Write []string `toml:"write"`
	} `toml:"files"`
	Network struct {
		Backends []string `toml:"backends"`
		Names    []string `toml:"names"`
		Ports    []string `toml:"ports"`
		Host     *bool    `toml:"host"`
		Join     *bool    `toml:"join"`
	} `toml:"network"`
	Process struct {
		Capabilities []string `toml:"capabilities"`
		Seccomp      *bool    `toml:"seccomp"`
	} `toml:"process"`
	Options struct {
		Forbidden []string `toml:"forbidden"`
	} `toml:"options"`

	file  *nstoml.File
	ports []portRange
	caps  uint64
}

const hint = "the README of the plugin policy has the keys and their values"

// maxFile is the largest file in bytes, more than a person writes.
const maxFile = 1 << 20

// load reads the policy at path, which must be its owner's alone: root's, for the
// system's.
func load(path string) (*document, error) {
	text, err := readTrusted(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nsplugin.Errorf("read policy: %w", err).WithDetail("without a policy nothing is allowed").
			WithHint("write " + path + ": the README of the plugin policy has one to begin with")
	}
	if err != nil {
		return nil, nsplugin.Errorf("read policy: %w", err).WithHint("chown root " + path + "; chmod 644 " + path)
	}
	return parse(path, text)
}

// readTrusted reads a file that nobody but root can have written. A policy that is
// used by its writer alone, as in tests, is trusted as well.
func readTrusted(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	// A named pipe that nobody writes would be a policy that forbids nothing.
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	if path == systemPath {
		for _, dir := range []string{"/etc", "/etc/nsrun", path} {
			if err := rootOnly(dir); err != nil {
				return "", err
			}
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return string(text), err
}

func rootOnly(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Uid != 0 || st.Mode&0o022 != 0 {
		return fmt.Errorf("%s belongs to uid %d with mode %04o: others than root can change it", path, st.Uid, st.Mode&0o7777)
	}
	return nil
}

// parse reads a policy. The error joins all that is wrong.
func parse(path, text string) (*document, error) {
	doc := &document{}
	file, err := nstoml.Decode(path, text, doc, hint)
	doc.file = file
	errs := []error{err}
	errs = append(errs, doc.checkKinds("namespaces.required", doc.Namespaces.Required)...)
	errs = append(errs, doc.checkKinds("namespaces.allowed", doc.Namespaces.Allowed)...)
	errs = append(errs, doc.readPorts()...)
	errs = append(errs, doc.readCapabilities()...)
	if doc.Files != nil {
		errs = append(errs, doc.checkPaths("files.read", doc.Files.Read)...)
		errs = append(errs, doc.checkPaths("files.write", doc.Files.Write)...)
	}
	return doc, errors.Join(errs...)
}

func (doc *document) checkKinds(key string, kinds []ns.Kind) (errs []error) {
	for i, k := range kinds {
		if !k.Valid() {
			errs = append(errs, doc.file.Errorf(entry(key, i), "%q is no kind of namespace", k).WithHint("one of "+ns.JoinKinds(ns.Kinds(), ", ")))
		}
	}
	return errs
}

func (doc *document) readPorts() (errs []error) {
	for i, text := range doc.Network.Ports {
		r, err := parseRange(text)
		if err != nil {
			errs = append(errs, doc.file.Errorf(entry("network.ports", i), "%v", err).WithHint(`"8080" or "8000-8999"`))
		}
		doc.ports = append(doc.ports, r)
	}
	return errs
}

func (doc *document) readCapabilities() (errs []error) {
	for i, name := range doc.Process.Capabilities {
		n, ok := ns.CapabilityNumber(name)
		if !ok {
			errs = append(errs, doc.file.Errorf(entry("process.capabilities", i), "%q is no capability", name).WithHint("names as in capabilities(7): net_bind_service"))
			continue
		}
		doc.caps |= 1 << n
	}
	return errs
}

func (doc *document) checkPaths(key string, paths []string) (errs []error) {
	for i, path := range paths {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path {
			errs = append(errs, doc.file.Errorf(entry(key, i), "%q is not an absolute path without . and ..", path).WithHint(`"/srv/data", for it and all below it`))
		}
	}
	return errs
}

func entry(key string, i int) string { return fmt.Sprintf("%s.%d", key, i) }

// where names the rule at key, for messages.
func (doc *document) where(key string) string {
	return fmt.Sprintf("%s:%d: %s", doc.file.Path, doc.file.Line(key), strings.TrimRight(key, ".0123456789"))
}
