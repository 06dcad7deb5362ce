// Package causes has a page for each cause that doctor can find: what it is, how to recognise
// it, what to do.
package causes

import (
	"embed"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
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
	const most = 3
	type near struct {
		cause    doctor.Cause
		distance int
	}
	var found []near
	for _, cause := range doctor.Causes() {
		d := distance(name, string(cause))
		if len(name) >= most && strings.Contains(string(cause), name) {
			d = 1
		}
		if d <= max(1, len(name)/2) {
			found = append(found, near{cause, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	var causes []doctor.Cause
	for _, f := range found[:min(most, len(found))] {
		causes = append(causes, f.cause)
	}
	return causes
}

// distance is how many letters must be added, dropped, replaced or, if they are neighbours,
// exchanged to make one name of the other.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			changed := last[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
