// SPDX-License-Identifier: Apache-2.0

package nstoml

import (
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// linesOf returns the line of each key of a file that the library could read.
func linesOf(text []byte) map[string]int {
	l := liner{lines: map[string]int{}, last: map[string]int{}}
	l.parser.Reset(text)
	for l.parser.NextExpression() {
		l.expression(l.parser.Expression())
	}
	return l.lines
}

// liner walks through a file.
type liner struct {
	parser unstable.Parser
	lines  map[string]int
	last   map[string]int // the number of the last table of each list of tables
	table  string         // the key of the table that the lines belong to
}

func (l *liner) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table:
		l.table, _ = l.key("", n)
	case unstable.ArrayTable:
		l.list(n)
	case unstable.KeyValue:
		l.keyValue(l.table, n)
	}
}

// list begins the next table of a list of tables.
func (l *liner) list(n *unstable.Node) {
	var parts []string
	line := 0
	for it := n.Key(); it.Next(); {
		parts, line = append(parts, string(it.Node().Data)), l.line(it.Node(), line)
	}
	above, name := l.resolve("", parts[:len(parts)-1]), parts[len(parts)-1]
	key := join(above, name)
	index, again := l.last[key]
	if again {
		index++
	} else {
		l.note(key, line)
	}
	l.last[key] = index
	l.table = join(key, strconv.Itoa(index))
	l.note(l.table, line)
}

// keyValue notes the lines of a key and of what is in its value.
func (l *liner) keyValue(table string, n *unstable.Node) {
	key, line := l.key(table, n)
	l.value(key, n.Value(), line)
}

func (l *liner) value(key string, n *unstable.Node, line int) {
	switch n.Kind {
	case unstable.Array:
		i := 0
		for it := n.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			entry := join(key, strconv.Itoa(i))
			line = l.line(it.Node(), line)
			l.note(entry, line)
			l.value(entry, it.Node(), line)
			i++
		}
	case unstable.InlineTable:
		for it := n.Children(); it.Next(); {
			l.keyValue(key, it.Node())
		}
	}
}

// key returns the key of n below table, and notes its line and those of the tables
// that it makes on the way.
func (l *liner) key(table string, n *unstable.Node) (string, int) {
	line := 0
	for it := n.Key(); it.Next(); {
		line = l.line(it.Node(), line)
		table = join(table, string(it.Node().Data))
		l.note(table, line)
		table = l.current(table)
	}
	return table, line
}

// resolve returns the key that parts lead to from table.
func (l *liner) resolve(table string, parts []string) string {
	for _, part := range parts {
		table = l.current(join(table, part))
	}
	return table
}

// current returns the last table of a list of tables, and any other key as it is.
func (l *liner) current(key string) string {
	if i, ok := l.last[key]; ok {
		return join(key, strconv.Itoa(i))
	}
	return key
}

// note keeps the first line of a key.
func (l *liner) note(key string, line int) {
	if _, ok := l.lines[key]; !ok && line > 0 && strings.Trim(key, ".") != "" {
		l.lines[key] = line
	}
}

// line returns the line of a node, or otherwise, since lists have none.
func (l *liner) line(n *unstable.Node, otherwise int) int {
	if n.Raw.Length == 0 {
		return otherwise
	}
	return l.parser.Shape(n.Raw).Start.Line
}
