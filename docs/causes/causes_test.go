package causes

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/doctor"
)

// TestEveryCauseHasAPage compares the causes of doctor, its list of them and the files.
func TestEveryCauseHasAPage(t *testing.T) {
	t.Parallel()
	want := constants(t)
	listed := names(doctor.Causes())
	slices.Sort(listed)
	if !slices.Equal(listed, want) {
		t.Errorf("listed: %q\ndoctor has %q", listed, want)
	}
	found, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range found {
		found[i] = strings.TrimSuffix(name, ".md")
	}
	if !slices.Equal(found, want) {
		t.Errorf("pages: %q\ndoctor has %q", found, want)
	}
}

func names(list []doctor.Cause) []string {
	var all []string
	for _, cause := range list {
		all = append(all, string(cause))
	}
	return all
}

// constants returns the values of type Cause that doctor declares, sorted.
func constants(t *testing.T) []string {
	t.Helper()
	sources, err := filepath.Glob("../../internal/doctor/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, is := n.(*ast.ValueSpec)
			if !is {
				return true
			}
			if kind, is := spec.Type.(*ast.Ident); is && kind.Name == "Cause" && len(spec.Values) == 1 {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, value)
			}
			return true
		})
	}
	if len(all) == 0 {
		t.Fatal("doctor declares no cause")
	}
	slices.Sort(all)
	return all
}

func pages(t *testing.T) []Page {
	t.Helper()
	var all []Page
	for _, cause := range doctor.Causes() {
		page, found := Of(cause)
		if !found {
			t.Fatalf("%s has no page", cause)
		}
		all = append(all, page)
	}
	return all
}

func TestSections(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		text, err := files.ReadFile(string(page.Cause) + ".md")
		if err != nil {
			t.Fatal(err)
		}
		if head, _, _ := strings.Cut(string(text), "\n"); head != "# "+string(page.Cause)+": "+page.Title {
			t.Errorf("%s begins with %q", page.Cause, head)
		}
		var found []string
		for _, section := range page.Sections {
			found = append(found, section.Title)
			if len(section.Body) < 20 {
				t.Errorf("%s: %q is empty", page.Cause, section.Title)
			}
		}
		if !slices.Equal(found, titles) {
			t.Errorf("%s has the sections %q, want %q", page.Cause, found, titles)
		}
	}
}

const width = 80

func TestPagesFit(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		if list := len("range_overlaps_listeners  ") + utf8.RuneCountInString(page.Title); list > width {
			t.Errorf("%s: the title is %d columns too long for the list", page.Cause, list-width)
		}
		text := page.Text(width)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%s: %d columns: %s", page.Cause, n, line)
			}
		}
		for _, mark := range []string{"`", "**", "](", "\n#"} {
			if strings.Contains(text, mark) {
				t.Errorf("%s has a mark of Markdown: %q", page.Cause, mark)
			}
		}
	}
}

// TestReferences: a page that is referred to as "(see X)" exists.
func TestReferences(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		text := strings.Join(strings.Fields(page.Text(width)), " ")
		for _, part := range strings.Split(text, "(see ")[1:] {
			name, _, _ := strings.Cut(part, ")")
			if _, found := Of(doctor.Cause(name)); !found {
				t.Errorf("%s refers to %q", page.Cause, name)
			}
		}
	}
}

// said matches what a page says that doctor says: words of its summaries, with ... for what
// differs.
var said = regexp.MustCompile("`porttrace doctor(?: --all)?`: \"([^\"]+)\"")

func TestWordsOfDoctor(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../../internal/doctor/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	for _, page := range pages(t) {
		match := said.FindStringSubmatch(page.Sections[2].Body)
		if match == nil {
			t.Errorf("%s does not say what doctor says", page.Cause)
			continue
		}
		for _, words := range strings.Split(match[1], "...") {
			words = strings.Trim(words, " :,")
			words, _, _ = strings.Cut(words, ", 60 s") // a figure
			if !strings.Contains(code.String(), words) {
				t.Errorf("%s: doctor does not say %q", page.Cause, words)
			}
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	page := parse("leak", "# leak: a title\n\n## One\n\nSome **words** of `a command` and `w` that\nare wrapped, see [there](http://x/).\n\n"+
		"1. First, long enough.\n   - Inner.\n   - Next, which is longer.\n\n```\n$ as  it is\n```\n   After it.\n2. Second.\n\n## Two\n\nEnd.\n")
	want := `leak: a title

ONE

  Some words of
  'a command' and 'w'
  that are wrapped, see
  there (http://x/).

  1. First, long enough.
     - Inner.
     - Next, which is
       longer.

         $ as  it is
     After it.
  2. Second.

TWO

  End.
`
	if got := page.Text(24); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want string }{
		{"chrun", "churn"},
		{"narow_range", "narrow_range"},
		{"overflow", "tw_overflow"},
		{"conntrack", "conntrack_full"},
		{"close_wait", "close_wait_leak"},
		{"leaks", "leak"},
		{"port_takn", "port_taken"},
	} {
		if got := Nearest(c.name); len(got) == 0 || string(got[0]) != c.want {
			t.Errorf("%s: %q, want %s first", c.name, got, c.want)
		}
	}
	for _, name := range []string{"", "zzzzzzzz", strings.Repeat("x", 1<<10)} {
		if got := Nearest(name); len(got) > 0 {
			t.Errorf("%q: %q, want none", name, got)
		}
	}
}
