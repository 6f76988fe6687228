// SPDX-License-Identifier: Apache-2.0

package scaffold

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// SDK is where the source of the SDK lies: a tree of nsrun's source, or what make
// install puts below share.
type SDK struct {
	// Dir is the directory that has nsrun's go.mod.
	Dir string
}

// module is the line by which a tree is told.
const module = "module github.com/nsrun/nsrun"

// FindSDK returns the SDK in dir or, if dir is empty, the one that belongs to the
// binary at executable: where it is installed, or the tree that it was built in.
func FindSDK(dir, executable string) (SDK, error) {
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return SDK{}, fmt.Errorf("find SDK: %w", err)
		}
		if !isSDK(abs) {
			return SDK{}, &ns.Diagnostic{Summary: "find SDK: " + abs + " has no go.mod of nsrun", Hint: "--sdk DIR, the top of nsrun's source"}
		}
		return SDK{abs}, nil
	}
	bin := filepath.Dir(executable)
	places := []string{filepath.Join(bin, "..", "share", "nsrun", "sdk"), filepath.Join(bin, "..")}
	for _, place := range places {
		if isSDK(place) {
			return SDK{filepath.Clean(place)}, nil
		}
	}
	return SDK{}, &ns.Diagnostic{
		Summary: "find SDK: it is neither in " + filepath.Clean(places[0]) + " nor in " + filepath.Clean(places[1]),
		Hint:    "--sdk DIR, the top of nsrun's source, or make install"}
}

func isSDK(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && strings.Contains(string(text)+"\n", module+"\n")
}

// proxy returns the directory of the Go modules that the SDK needs, or "" for a
// tree of source, whose builder has them.
func (s SDK) proxy() string {
	dir := filepath.Join(s.Dir, "goproxy")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// requirements reads the SDK's go.mod: the version of Go, and the modules that it
// requires, each as PATH VERSION.
func (s SDK) requirements() (goVersion string, requires []string, err error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, "go.mod"))
	if err != nil {
		return "", nil, fmt.Errorf("read SDK: %w", err)
	}
	inBlock := false
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "//")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "go":
			goVersion = fields[1]
		case len(fields) == 2 && fields[0] == "require" && fields[1] == "(":
			inBlock = true
		case len(fields) == 1 && fields[0] == ")":
			inBlock = false
		case inBlock && len(fields) == 2:
			requires = append(requires, strings.Join(fields, " "))
		case len(fields) == 3 && fields[0] == "require":
			requires = append(requires, fields[1]+" "+fields[2])
		}
	}
	return goVersion, requires, nil
}

// copies are the files of the SDK that a project gets, by language.
var copies = map[string]map[string]string{
	"go":     {"go.sum": "go.sum"},
	"python": {"sdk/python/nsrun.py": "nsrun.py"},
}

func (s SDK) copyTo(dir, lang string) error {
	for from, to := range copies[lang] {
		text, err := os.ReadFile(filepath.Join(s.Dir, from))
		if err != nil {
			return fmt.Errorf("read SDK: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o644); err != nil {
			return fmt.Errorf("write project: %w", err)
		}
	}
	return nil
}
