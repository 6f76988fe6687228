// SPDX-License-Identifier: Apache-2.0

// Package manpage writes manual pages in man(7), from what nsrun, nsctl and the
// plugins say of themselves.
package manpage

import (
	"fmt"
	"io"
	"strings"
)

// Page is a manual page that is being written.
type Page struct {
	// Name and Section are what man(1) finds the page by.
	Name    string
	Section int
	body    strings.Builder
	fresh   bool // a heading came last, behind which a paragraph begins by itself
}

// File returns the name of the page's file: nsrun.1.
func (p *Page) File() string { return fmt.Sprintf("%s.%d", p.Name, p.Section) }

// New begins a page with its first section.
func New(name string, section int, summary string) *Page {
	p := &Page{Name: name, Section: section}
	p.Heading("NAME")
	fmt.Fprintf(&p.body, "%s \\- %s\n", escape(name), escape(summary))
	return p
}

// Heading begins a section.
func (p *Page) Heading(title string) { p.title(".SH", title) }

// Subheading begins a part of a section.
func (p *Page) Subheading(title string) { p.title(".SS", title) }

func (p *Page) title(macro, title string) {
	fmt.Fprintf(&p.body, "%s %s\n", macro, escape(title))
	p.fresh = true
}

// paragraph begins a paragraph.
func (p *Page) paragraph() {
	if !p.fresh {
		p.body.WriteString(".PP\n")
	}
	p.fresh = false
}

// Text adds a paragraph.
func (p *Page) Text(text string) {
	p.paragraph()
	p.body.WriteString(escape(text) + "\n")
}

// Code adds lines that stay as they are.
func (p *Page) Code(lines ...string) {
	p.paragraph()
	p.body.WriteString(".EX\n")
	for _, line := range lines {
		p.body.WriteString("    " + escape(line) + "\n")
	}
	p.body.WriteString(".EE\n")
}

// Item adds a term in bold and what it means.
func (p *Page) Item(term, text string) {
	p.fresh = false
	fmt.Fprintf(&p.body, ".TP\n\\fB%s\\fP\n%s\n", escape(term), escape(text))
}

// Write writes the page, as one of this version of nsrun. It has no date, so that it
// is the same whenever it is written.
func (p *Page) Write(w io.Writer, version string) error {
	_, err := fmt.Fprintf(w, ".\\\" SPDX-License-Identifier: Apache-2.0\n.TH %s %d \"\" \"nsrun %s\"\n%s",
		escape(strings.ToUpper(p.Name)), p.Section, escape(version), &p.body)
	return err
}

// escape makes text one line that roff prints as it is.
func escape(text string) string {
	text = strings.NewReplacer("\\", "\\e", "-", "\\-", "\n", " ", "^", "\\(ha", "~", "\\(ti", "`", "\\(ga", "\"", "\\(dq").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = "\\&" + text
	}
	return text
}
