// SPDX-License-Identifier: Apache-2.0

package law

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// byPath are the calls that create, change or remove what a path leads to. In a
// root directory that somebody else can write to, a path leads wherever he wants:
// CVE-2021-30465 and CVE-2024-45310 of runc.
var byPath = map[string][]string{
	"os":   {"Create", "Mkdir", "MkdirAll", "WriteFile", "Remove", "RemoveAll", "Rename", "Symlink", "Link", "Chmod", "Chown", "Truncate"},
	"unix": {"Mkdir", "Mknod", "Unlink", "Rmdir", "Rename", "Symlink", "Link", "Chmod", "Chown", "Mount", "SYS_MKDIR", "SYS_MKNOD", "SYS_UNLINK", "SYS_RMDIR", "SYS_RENAME", "SYS_SYMLINK", "SYS_LINK", "SYS_CHMOD", "SYS_CHOWN", "SYS_MOUNT", "SYS_OPEN", "SYS_CREAT"},
}

// TestRootDirectoriesAreTouchedByDescriptor holds for the packages whose work lies
// in the command's root: they go by descriptors that openat2(2) has resolved there.
func TestRootDirectoriesAreTouchedByDescriptor(t *testing.T) {
	found, err := filepath.Glob("../../core/stage/*.go")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("../../core/stage/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := append(found, deeper...)
	if len(files) < 10 {
		t.Fatalf("only %d files", len(files))
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			// signature.go only prints calls.
			if pkg, name := selected(n); slices.Contains(byPath[pkg], name) && filepath.Base(file) != "signature.go" {
				t.Errorf("%s: %s.%s goes by a path, which the owner of a root directory can change", set.Position(n.Pos()), pkg, name)
			}
			return true
		})
	}
}

// selected returns the parts of an expression like os.Create.
func selected(n ast.Node) (pkg, name string) {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := s.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return id.Name, s.Sel.Name
}
