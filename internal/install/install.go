// SPDX-License-Identifier: Apache-2.0

// Package install puts plugins where nsrun finds them: checked against their
// sums, asked what they are, and all of them or none. nsctl plugin install calls
// it.
package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// SumsFile is the file with the sums of the plugins beside it, as sha256sum(1)
// writes it.
const SumsFile = "SHA256SUMS"

// Plugin is a plugin that was installed.
type Plugin struct {
	Path       string         `json:"path"`
	SHA256     string         `json:"sha256"`
	Verified   bool           `json:"verified"` // against SHA256SUMS
	Descriptor *ns.Descriptor `json:"descriptor"`

	staged string
}

// Install copies the plugin at source, or all plugins in the directory source,
// into the directory to, which is made if it isn't there, and records them there.
// A plugin of the same name there is replaced in one step. If one can't be installed
// none is.
func Install(ctx context.Context, source, to string) (plugins []Plugin, err error) {
	files, err := filesOf(source)
	if err != nil {
		return nil, err
	}
	if to, err = filepath.Abs(to); err != nil {
		return nil, fmt.Errorf("install plugins: %w", err)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, fmt.Errorf("install plugins: %w", err)
	}
	release, err := hold(to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	record, err := readRecord(to)
	if err != nil {
		return nil, err
	}
	if plugins, err = stage(ctx, files, to); err != nil {
		return nil, err
	}
	return plugins, update(record, to, plugins)
}

// stage copies the files into the directory to, under other names, and gives all of
// them their names if none is refused.
func stage(ctx context.Context, files []string, to string) (plugins []Plugin, err error) {
	// In the same directory, so that renaming is one step, and what is checked is
	// what will be found there.
	temp, err := os.MkdirTemp(to, ".install-")
	if err != nil {
		return nil, fmt.Errorf("install plugins: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	var errs []error
	for _, file := range files {
		p, err := prepare(ctx, file, temp)
		p.Path = filepath.Join(to, filepath.Base(file))
		plugins, errs = append(plugins, p), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, p := range plugins {
		if err := os.Rename(p.staged, p.Path); err != nil {
			return nil, fmt.Errorf("install plugin: %w", err)
		}
	}
	return plugins, nil
}

// filesOf returns the plugins at source.
func filesOf(source string) ([]string, error) {
	info, err := os.Stat(source)
	switch {
	case err != nil:
		return nil, &ns.Diagnostic{Summary: "install plugins: " + err.Error(), Hint: "nsctl plugin install nsrun-plugin-NAME, or a directory with such files"}
	case info.Mode().IsRegular():
		return []string{source}, nil
	case !info.IsDir():
		return nil, &ns.Diagnostic{Summary: "install plugins: " + source + " is not a regular file", Hint: "nsctl plugin install nsrun-plugin-NAME, or a directory with such files"}
	}
	files, err := filepath.Glob(filepath.Join(source, ns.BinaryPrefix+"*"))
	if err == nil && len(files) == 0 {
		err = &ns.Diagnostic{Summary: "install plugins: " + source + " has no file " + ns.BinaryPrefix + "NAME", Hint: "the directory that they lie in"}
	}
	return files, err
}

// prepare copies a plugin into the directory stage and checks the copy: nobody
// can change that any more.
func prepare(ctx context.Context, file, stage string) (p Plugin, err error) {
	base := filepath.Base(file)
	name := strings.TrimPrefix(base, ns.BinaryPrefix)
	if base == name || !ns.ValidName(name) {
		return p, &ns.Diagnostic{Summary: "install " + file + ": it isn't named " + ns.BinaryPrefix + "NAME", Hint: "rename it as the plugin names itself"}
	}
	p.staged = filepath.Join(stage, base)
	if p.SHA256, err = copyFile(file, p.staged); err != nil {
		return p, fmt.Errorf("install %s: %w", file, err)
	}
	if p.Verified, err = verify(file, p.SHA256); err != nil {
		return p, err
	}
	if _, err := find.Find(p.staged, find.Dirs{UID: os.Geteuid()}); err != nil {
		return p, err
	}
	p.Descriptor, err = conform.Describe(ctx, conform.Subject{Path: p.staged, Limits: conform.SpecLimits})
	if err != nil {
		return p, &ns.Diagnostic{Plugin: name, Summary: "install plugin: " + err.Error(), Hint: "nsctl plugin check " + file + " shows what is wrong with it"}
	}
	if faults := ns.CheckDescriptor(p.Descriptor); len(faults) > 0 {
		faults[0].Plugin = name
		return p, &faults[0]
	}
	if p.Descriptor.Name != name {
		return p, &ns.Diagnostic{Plugin: name, Summary: fmt.Sprintf("install plugin: it says that its name is %q", p.Descriptor.Name),
			Hint: "name the file " + ns.BinaryPrefix + p.Descriptor.Name}
	}
	return p, nil
}

// copyFile copies a file, for the owner to write and all to execute, and returns
// the SHA-256 of what it copied.
func copyFile(from, to string) (sum string, err error) {
	in, err := plainfile.Open(from, os.O_RDONLY|unix.O_NONBLOCK, 0) // a named pipe would wait
	if err != nil {
		return "", err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("it is not a regular file"))
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, hash), in)
	// The umask may have taken away what others need.
	err = errors.Join(err, out.Chmod(0o755), out.Sync(), out.Close())
	return hex.EncodeToString(hash.Sum(nil)), err
}

// verify compares the sum of a file with that in the sums beside it, and reports
// whether there are any.
func verify(file, sum string) (bool, error) {
	sums := filepath.Join(filepath.Dir(file), SumsFile)
	text, err := plainfile.ReadText(sums, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &ns.Diagnostic{Summary: fmt.Sprintf("install %s: %v", file, err), Hint: "get the list again, as sha256sum(1) writes it"}
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		fields := strings.Fields(line)
		if len(fields) != 2 || strings.TrimPrefix(fields[1], "*") != filepath.Base(file) {
			continue
		}
		if fields[0] != sum {
			return false, &ns.Diagnostic{
				Summary: fmt.Sprintf("install %s: its SHA-256 is not that of %s:%d", file, sums, number),
				Detail:  "the file has " + sum + ", the list " + fields[0],
				Hint:    "get the file again"}
		}
		return true, nil
	}
	return false, &ns.Diagnostic{Summary: fmt.Sprintf("install %s: %s doesn't list it", file, sums), Hint: "get both again, or remove the list if it isn't for this plugin"}
}
