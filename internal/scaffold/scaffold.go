// SPDX-License-Identifier: Apache-2.0

// Package scaffold writes the project of a new plugin: one that builds, passes
// its tests and runs, at once and offline. nsctl plugin new calls it.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/nsrun/nsrun/ns"
)

//go:embed all:template
var templates embed.FS

// Project is a project to write.
type Project struct {
	// Name is the plugin's. Required.
	Name string
	// Lang is one of [Langs]. Required.
	Lang string
	// SDK is where the SDK's source lies. Required, but for exec.
	SDK SDK
	// Exec is the path of nsrun-plugin-exec. Required for exec.
	Exec string
	// NSCTL and NSRUN are the paths of both, for those who haven't got them in PATH.
	NSCTL, NSRUN string
}

// Langs are the languages that there are templates for.
var Langs = []string{"go", "python", "exec"}

// file is a file of a project, from a template.
type file struct {
	name, template string
	mode           os.FileMode
}

// files lists the files of a project.
func (p *Project) files() []file {
	common := []file{
		{"Makefile", p.Lang + "/Makefile.tmpl", 0o644},
		{".ci/run", "ci.tmpl", 0o755},
	}
	switch p.Lang {
	case "go":
		return append(common, file{"main.go", "go/main.go.tmpl", 0o644}, file{"plugin.go", "go/plugin.go.tmpl", 0o644},
			file{"plugin_test.go", "go/plugin_test.go.tmpl", 0o644}, file{"go.mod", "go/go.mod.tmpl", 0o644},
			file{".gitignore", "go/.gitignore.tmpl", 0o644})
	case "python":
		return append(common, file{"plugin.py", "python/plugin.py.tmpl", 0o644},
			file{"test_plugin.py", "python/test_plugin.py.tmpl", 0o644}, file{".gitignore", "python/.gitignore.tmpl", 0o644})
	}
	return append(common, file{ns.BinaryPrefix + p.Name, "exec/plugin.tmpl", 0o755}, file{"test.sh", "exec/test.sh.tmpl", 0o755})
}

// descriptor is that of the plugin in every template.
func (p *Project) descriptor() *ns.Descriptor {
	return &ns.Descriptor{
		Name: p.Name, Version: "0.1.0", Summary: "greets the command by its environment",
		Options: []ns.Option{{Name: "greet", Type: ns.String, Help: "whom to greet", Default: "world"}},
	}
}

// values are what the templates are filled with.
type values struct {
	*Project
	Version, Summary string
	SDK, Proxy       string
	GoVersion        string
	Requires         []string
}

// Write writes the project into the directory dir, which must not exist. What it
// wrote is removed again if it fails.
func Write(dir string, p *Project) (err error) {
	d := p.descriptor()
	v := values{Project: p, Version: d.Version, Summary: d.Summary, SDK: p.SDK.Dir, Proxy: p.SDK.proxy()}
	if p.Lang == "go" {
		if v.GoVersion, v.Requires, err = p.SDK.requirements(); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, os.ErrExist) {
		return &ns.Diagnostic{Summary: "write project: " + dir + " is already there", Hint: "another name, or --dir"}
	} else if err != nil {
		return fmt.Errorf("write project: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	for _, f := range p.files() {
		if err := f.write(dir, v); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte(Readme(d)), 0o644); err != nil {
		return fmt.Errorf("write project: %w", err)
	}
	return p.SDK.copyTo(dir, p.Lang)
}

func (f *file) write(dir string, v values) error {
	t, err := template.ParseFS(templates, "template/"+f.template)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, v); err != nil {
		return err
	}
	path := filepath.Join(dir, f.name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), f.mode)
}
