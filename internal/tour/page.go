// SPDX-License-Identifier: Apache-2.0

// Command tour runs the commands of a Markdown page, shows the page with what
// really comes out, and with -check compares that to what the page says. It is
// behind make demo and behind the test of docs/tour.md.
package main

import (
	"regexp"
	"strings"
)

// Part is a piece of a page: prose, or a command with the output that follows it.
type Part struct {
	Prose   string
	Command string
	Want    string
}

// parse splits a page into its parts. Commands stand in blocks of the language
// console, in lines that begin with "$ ".
func parse(page string) []Part {
	var parts []Part
	inBlock := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "```"):
			inBlock = strings.TrimSpace(line) == "```console"
		case !inBlock:
			parts = append(parts, Part{Prose: line})
		case strings.HasPrefix(line, "$ "):
			parts = append(parts, Part{Command: strings.TrimSpace(line[2:])})
		default:
			parts[len(parts)-1].Want += line
		}
	}
	return parts
}

// matches reports whether got is what want says, in which "..." stands for
// anything within a line. How wide the space between words is doesn't count.
func matches(want, got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(narrow(want)), regexp.QuoteMeta("..."), "[^\n]*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(narrow(got))
}

func narrow(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}
