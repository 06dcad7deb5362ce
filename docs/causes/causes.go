// Package causes has a page for each cause that doctor can find: what it is, how to recognise
// it, what to do.
package causes

import (
	"embed"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/nearest"
)

//go:embed *.md
var files embed.FS

// titles are the sections of every page, in their order.
var titles = []string{
	"What it is", "How porttrace recognises it", "How it looks", "When it is fine", "What to do",
	"What people wrongly do", "Sources", "Example from a recording",
}

// Page explains one cause.
type Page struct {
	Cause    doctor.Cause
	Title    string // a few words
	Sections []Section
}

// Section is one part of a page.
type Section struct {
	Title string
	Body  string // Markdown
}

// Of returns the page of a cause, and whether there is one.
func Of(cause doctor.Cause) (Page, bool) {
	if !slices.Contains(doctor.Causes(), cause) {
		return Page{}, false
	}
	text, err := files.ReadFile(string(cause) + ".md")
	if err != nil {
		return Page{}, false
	}
	return parse(cause, string(text)), true
}

// parse divides a page at its headings. The first is "# cause: title".
func parse(cause doctor.Cause, text string) Page {
	head, rest, _ := strings.Cut(text, "\n")
	_, title, _ := strings.Cut(head, ": ")
	page := Page{Cause: cause, Title: title}
	for _, part := range strings.Split("\n"+rest, "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		page.Sections = append(page.Sections, Section{Title: name, Body: strings.TrimSpace(body)})
	}
	return page
}

// Nearest returns the causes whose names are most alike to a wrong one, at most three, the
// nearest first. None, if it is unlike all of them.
func Nearest(name string) []doctor.Cause {
	var names []string
	for _, cause := range doctor.Causes() {
		names = append(names, string(cause))
	}
	var causes []doctor.Cause
	for _, found := range nearest.To(name, names, max(1, len(name)/2)) {
		causes = append(causes, doctor.Cause(found))
	}
	return causes
}
