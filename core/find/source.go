// SPDX-License-Identifier: Apache-2.0

package find

// Source says by which rule a plugin was found.
type Source string

// The sources, in rank order: the first that has a plugin of the name wins.
const (
	// ByFile is a path given in --plugins: net=/opt/nsrun-plugin-mine.
	ByFile Source = "file"
	// ByFlag is a directory given with --plugin-dir.
	ByFlag Source = "--plugin-dir"
	// ByEnv is a directory of NSRUN_PLUGIN_PATH. Not read as root, whose
	// environment often comes from somebody else.
	ByEnv Source = "NSRUN_PLUGIN_PATH"
	// Beside is ../libexec/nsrun/plugins or plugins, seen from nsrun's binary.
	Beside Source = "beside nsrun"
	// ByUser is ~/.local/libexec/nsrun/plugins. Not read as root.
	ByUser Source = "user"
)

// Group is the directories of one source. They rank equally: a plugin that
// stands in two of them is ambiguous.
type Group struct {
	Source Source
	Dirs   []string // absolute
}
