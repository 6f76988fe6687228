// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// modules are those that an author's program gets with the SDK. Each costs every
// plugin size and time to start, so another one is a decision.
var modules = []string{
	"github.com/fatih/color", "github.com/golang/protobuf", "github.com/hashicorp/go-hclog", "github.com/hashicorp/go-plugin",
	"github.com/hashicorp/yamux", "github.com/mattn/go-colorable", "github.com/mattn/go-isatty", "github.com/nsrun/nsrun",
	"github.com/oklog/run", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text", "google.golang.org/genproto/googleapis/rpc",
	"google.golang.org/grpc", "google.golang.org/protobuf",
}

func TestImportCost(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Fields(string(out))
	slices.Sort(have)
	if have = slices.Compact(have); !slices.Equal(have, modules) {
		t.Errorf("a plugin links the modules\n%v, want\n%v", have, modules)
	}
}

// maxHello is the size in bytes of the smallest plugin, and a little more.
const maxHello = 14_500_000

func TestSizeOfAPlugin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hello")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../examples/nsrun-plugin-hello")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxHello {
		t.Errorf("the plugin hello has %d bytes, %d at most", info.Size(), maxHello)
	}
}

// TestAPIHasNoTypesOfOthers makes sure that authors see the types of this
// repository and of the standard library only: gRPC, protobuf and go-plugin may
// be replaced.
func TestAPIHasNoTypesOfOthers(t *testing.T) {
	for _, dir := range []string{".", "nstest", "conform", "../ns"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, foreign := range foreignTypes(file) {
				t.Errorf("%s: the API has the type %s", name, foreign)
			}
		}
	}
}

// foreignTypes returns the types in exported declarations of file that come from
// other modules or from internal packages.
func foreignTypes(file *ast.File) []string {
	foreign := map[string]bool{}
	for _, imp := range file.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		name := filepath.Base(path)
		if imp.Name != nil {
			name = imp.Name.Name
		}
		ours := strings.HasPrefix(path, "github.com/nsrun/nsrun/") && !strings.Contains(path, "/internal/")
		foreign[name] = strings.Contains(path, ".") && !ours
	}
	var found []string
	look := func(n ast.Node) {
		if n == nil {
			return
		}
		ast.Inspect(n, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := sel.X.(*ast.Ident); ok && foreign[id.Name] {
					found = append(found, id.Name+"."+sel.Sel.Name)
				}
			}
			return true
		})
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() {
				look(d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() {
					lookAtType(ts.Type, look)
				}
			}
		}
	}
	return found
}

// lookAtType looks at a type as others see it: a struct's exported fields.
func lookAtType(t ast.Expr, look func(ast.Node)) {
	s, ok := t.(*ast.StructType)
	if !ok {
		look(t)
		return
	}
	for _, f := range s.Fields.List {
		if len(f.Names) == 0 || f.Names[0].IsExported() {
			look(f.Type)
		}
	}
}
