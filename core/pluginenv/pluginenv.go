// SPDX-License-Identifier: Apache-2.0

// Package pluginenv decides which of the caller's environment variables a plugin
// gets; environ(7).
package pluginenv

import (
	"path/filepath"
	"slices"
	"strings"
)

// passed are the variables of the caller that a plugin gets. Anything else may
// be a secret of the caller's, or bend a privileged plugin (LD_PRELOAD, GODEBUG).
// HOME is what interpreters find the user's packages by.
var passed = []string{"HOME", "LANG", "LC_ALL", "PATH", "TZ"}

// defaultPath is the PATH of a plugin whose caller has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Allowed returns the variables of environ that a plugin gets.
func Allowed(environ []string) []string {
	path := "PATH=" + defaultPath
	var env []string
	for _, kv := range environ {
		key, value, _ := strings.Cut(kv, "=")
		switch {
		case key == "PATH":
			path = "PATH=" + absolutePath(value)
		case slices.Contains(passed, key):
			env = append(env, kv)
		}
	}
	return append(env, path)
}

// absolutePath returns the directories of a PATH that are absolute: a plugin
// runs in another working directory than its caller, who may not own it.
func absolutePath(path string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool { return !filepath.IsAbs(dir) })
	if len(dirs) == 0 {
		return defaultPath
	}
	return strings.Join(dirs, ":")
}
