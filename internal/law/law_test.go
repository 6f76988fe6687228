// SPDX-License-Identifier: Apache-2.0

// Package law holds the rules that the code of this repository keeps, as tests:
// which package may import which, and how a file has to look.
package law

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nsrun/nsrun/"

// rule says what a package may not reach, directly or through others, and why.
type rule struct {
	pkgs   string // path below the module; a trailing slash means all below
	banned []string
	why    string
}

var reach = []rule{
	{"ns", []string{module, "golang.org/x/", "google.golang.org/", "github.com/"}, "the vocabulary costs its importers nothing"},
	{"core/plan", []string{"golang.org/x/", "google.golang.org/", "github.com/hashicorp/", module + "core/", module + "internal/", "os/exec", "net"}, "merging is pure"},
	{"core/stage", []string{"google.golang.org/", "github.com/hashicorp/", "os/exec", "net"}, "the child's side is linked into the front, which starts at every run"},
	{"core/find", []string{"google.golang.org/", "github.com/hashicorp/", "os/exec", "regexp", "net"}, "the front finds plugins at every run"},
	{"core", []string{module + "core/host", module + "internal/wire", "google.golang.org/", "github.com/hashicorp/"}, "core talks to plugins through the interface Host"},
	{"cmd/nsrun", []string{module + "core/host", module + "internal/wire", "google.golang.org/", "github.com/hashicorp/", "github.com/pelletier/", "os/exec", "net", "crypto/rand"}, "the command in front starts as quickly as a C program"},
}

// direct says what packages may import of this module, and nothing else of it.
var direct = []struct {
	pkgs    string
	allowed []string
	why     string
}{
	{"plugins/", []string{"ns", "nsplugin", "nsplugin/helper", "nsplugin/nsnet", "nsplugin/nsnet/bridge", "nsplugin/nsnet/firewall", "nsplugin/nsnet/nettest", "nsplugin/nstest", "nsplugin/nstoml"}, "the plugins that ship are third-party plugins"},
	{"examples/", []string{"ns", "nsplugin", "nsplugin/helper", "nsplugin/nsnet", "nsplugin/nsnet/bridge", "nsplugin/nsnet/firewall", "nsplugin/nsnet/nettest", "nsplugin/nstest", "nsplugin/nstoml"}, "an example shows what an author has"},
	{"nsplugin", []string{"ns", "internal/wire"}, "the SDK stands on the vocabulary and the wire"},
	{"nsplugin/helper/lifeline", nil, "it is initialized before all that a plugin is made of"},
	{"nsplugin/helper", []string{"ns", "nsplugin", "nsplugin/helper/lifeline"}, "running helpers is part of the SDK, and of nothing else"},
	{"nsplugin/nsnet/firewall", []string{"ns", "nsplugin", "nsplugin/nsnet/nettest"}, "reading the host's firewall is part of the SDK; only backends with a bridge pay for linking it"},
	{"nsplugin/nsnet/nettest", []string{"ns", "nsplugin/nsnet"}, "the tests of network backends are for authors outside, too"},
	{"nsplugin/nsnet/bridge", []string{"ns", "nsplugin", "nsplugin/nsnet"}, "an own bridge is what two backends share, and part of the SDK"},
	{"nsplugin/nsnet", []string{"ns", "nsplugin"}, "what network backends share is part of the SDK, and of nothing else"},
	{"nsplugin/conform", []string{"ns", "internal/wire"}, "the kit is nsrun's end written a second time, and knows nothing of the first"},
	{"nsplugin/nstoml", []string{"ns"}, "reading a file is part of the SDK, and of nothing else"},
	{"nsplugin/nstest", []string{"ns", "nsplugin", "nsplugin/conform"}, "the kit as Go tests"},
	{"internal/wire", []string{"ns", "internal/gen/pluginv1"}, "the wire translates between two packages"},
	{"core/journal", []string{"ns", "core/find", "internal/plainfile"}, "the run directory is read by nsctl too"},
}

// listed is what go list says of a package.
type listed struct {
	ImportPath  string
	Standard    bool
	Imports     []string
	TestImports []string
	Deps        []string
	Doc         string
	Name        string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,Deps,Doc,Name", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func covers(pkgs, path string) bool {
	rel := strings.TrimPrefix(path, module)
	return rel == pkgs || strings.HasSuffix(pkgs, "/") && strings.HasPrefix(rel, pkgs)
}

func TestNoPackageReachesWhatItMayNot(t *testing.T) {
	all := packages(t)
	for _, r := range reach {
		found := false
		for _, p := range all {
			if !covers(r.pkgs, p.ImportPath) {
				continue
			}
			found = true
			for _, dep := range p.Deps {
				if banned(r.banned, dep) {
					t.Errorf("%s reaches %s: %s", p.ImportPath, dep, r.why)
				}
			}
		}
		if !found {
			t.Errorf("the rule for %s covers no package", r.pkgs)
		}
	}
}

// banned reports whether dep is one of the banned packages, or below one that
// ends in a slash.
func banned(list []string, dep string) bool {
	return slices.ContainsFunc(list, func(b string) bool {
		return dep == b || strings.HasSuffix(b, "/") && strings.HasPrefix(dep, b)
	})
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	all := packages(t)
	for _, d := range direct {
		for _, p := range all {
			if !covers(d.pkgs, p.ImportPath) {
				continue
			}
			for _, imp := range slices.Concat(p.Imports, p.TestImports) {
				rel, ours := strings.CutPrefix(imp, module)
				if ours && !slices.Contains(d.allowed, rel) && imp != p.ImportPath {
					t.Errorf("%s imports %s: %s", p.ImportPath, rel, d.why)
				}
			}
		}
	}
}

func TestOnlyTheHostLinksGoPlugin(t *testing.T) {
	// internal/badplugin is a plugin, for the tests of core/host.
	allowed := []string{"core/host", "internal/badplugin", "internal/wire", "nsplugin"}
	for _, p := range packages(t) {
		rel := strings.TrimPrefix(p.ImportPath, module)
		if slices.Contains(p.Imports, "github.com/hashicorp/go-plugin") && !slices.Contains(allowed, rel) {
			t.Errorf("%s imports go-plugin: core/host is its only client", rel)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && p.Name != "" && !strings.Contains(p.ImportPath, "internal/gen/") && len(p.Imports) > 0 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// maxFunction is how many lines a function may have.
const maxFunction = 60

func TestFilesKeepTheHouseStyle(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "gen", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			checkFile(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		t.Error(err)
		return
	}
	if len(file.Comments) == 0 || !strings.HasPrefix(file.Comments[0].List[0].Text, "// SPDX-License-Identifier: Apache-2.0") {
		t.Errorf("%s does not start with the licence line", path)
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		where := fmt.Sprintf("%s: %s", path, f.Name.Name)
		// A test may hold a table of any length.
		if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > maxFunction && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines, %d at most", where, n, maxFunction)
		}
		if f.Name.IsExported() && f.Doc == nil && !strings.HasSuffix(path, "_test.go") && exportedReceiver(f) {
			t.Errorf("%s has no comment", where)
		}
	}
}

// exportedReceiver reports whether f is a function, or a method that others can see.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	expr := f.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	id, ok := expr.(*ast.Ident)
	return ok && id.IsExported()
}
