// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
)

// maxFile is the largest file in bytes, some thousands of plugins.
const maxFile = 1 << 20

// Read reads the lock file at path. The error joins a *ns.Diagnostic for each
// thing that is wrong, with file, line and key.
func Read(path string) (*File, error) {
	text, err := plainfile.ReadText(path, maxFile)
	if err != nil {
		return nil, &ns.Diagnostic{Option: "locked", Summary: "read lock file: " + err.Error(), Hint: "nsctl plugin lock writes " + FileName + "; another file is --locked=FILE"}
	}
	return Parse(path, string(text))
}

// Parse reads the text of a lock file; path is for messages.
func Parse(path, text string) (*File, error) {
	p := parser{file: &File{Path: path, Plugins: map[string]Entry{}}, seen: map[string]bool{}}
	for line := range strings.Lines(text) {
		p.number++
		p.line(strings.TrimSpace(line))
	}
	p.endSection()
	if !p.seen["version"] {
		p.number = 1
		p.wrong("version", "is missing", fmt.Sprintf("version = %d", Version))
	}
	return p.file, errors.Join(p.errs...)
}

// parser is the state of one Parse.
type parser struct {
	file   *File
	number int             // of the line at hand
	plugin string          // whose section it is in, or ""
	start  int             // the line of the section's head
	seen   map[string]bool // the keys of the section, and the sections
	errs   []error
}

func (p *parser) wrong(key, reason, hint string) {
	p.errs = append(p.errs, &ns.Diagnostic{Option: "locked", Summary: fmt.Sprintf("read %s:%d: %s: %s", p.file.Path, p.number, key, reason), Hint: hint})
}

func (p *parser) line(line string) {
	if line == "" || line[0] == '#' {
		return
	}
	if line[0] == '[' {
		p.section(line)
		return
	}
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	path := key
	if p.plugin != "" {
		path = "plugin." + p.plugin + "." + key
	}
	switch {
	case !ok:
		p.wrong(strconv.Quote(line), "is neither a section nor a key with a value", `[plugin.NAME], or KEY = "VALUE"`)
	case p.seen[path]:
		p.wrong(path, "is there twice", "remove one of them, or nsctl plugin lock")
	default:
		p.seen[path] = true
		p.value(path, key, value)
	}
}

func (p *parser) section(line string) {
	p.endSection()
	name := strings.TrimSuffix(strings.TrimPrefix(line, "[plugin."), "]")
	p.plugin, p.start = name, p.number
	switch {
	case "[plugin."+name+"]" != line || !ns.ValidName(name):
		p.wrong(line, "is no section of a lock file", "[plugin.NAME]")
	case p.seen[line]:
		p.wrong(line, "is there twice", "remove one of them, or nsctl plugin lock")
	}
	p.seen[line] = true
	p.file.Plugins[name] = Entry{}
}

// endSection wants the section that ends to have been whole.
func (p *parser) endSection() {
	if p.plugin == "" {
		return
	}
	now := p.number
	p.number = p.start
	for _, key := range []string{"version", "sha256"} {
		if path := "plugin." + p.plugin + "." + key; !p.seen[path] {
			p.wrong(path, "is missing", "nsctl plugin lock writes the file anew")
		}
	}
	p.number = now
}

func (p *parser) value(path, key, value string) {
	if p.plugin == "" {
		switch {
		case key != "version":
			p.wrong(path, "is no key of a lock file", "version")
		case value != strconv.Itoa(Version):
			p.wrong(path, fmt.Sprintf("%s is a form that this nsrun doesn't know", value), fmt.Sprintf("upgrade nsrun, or write the file anew: version = %d", Version))
		}
		return
	}
	text, err := strconv.Unquote(value)
	e := p.file.Plugins[p.plugin]
	switch {
	case !slices.Contains([]string{"version", "sha256", "stat"}, key):
		p.wrong(path, "is no key of a plugin", "version, sha256 and stat")
	case err != nil || value[0] != '"':
		p.wrong(path, "is not a text in double quotes", key+` = "..."`)
	case key == "version":
		e.Version = text
	case key == "stat":
		if e.State = parseState(text); e.State == nil {
			p.wrong(path, "is not the state of a file", `remove the line, or install the plugin again: "`+(&State{}).String()+`"`)
		}
	case len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "":
		p.wrong(path, "is not 64 hexadecimal digits", "nsctl plugin lock writes the file anew")
	default:
		e.SHA256 = text
	}
	p.file.Plugins[p.plugin] = e
}
