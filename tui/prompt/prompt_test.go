package prompt

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"
)

// testPrompt returns a prompt that records what ran.
func testPrompt() (*Prompt, *[]string) {
	ran := &[]string{}
	run := func(name string) func(string) error {
		return func(arg string) error {
			*ran = append(*ran, strings.TrimSpace(name+" "+arg))
			return nil
		}
	}
	sort := Command{
		Name: "sort", Help: "sort by a column",
		Args: func(string) []string { return []string{"used", "ports", "full", "time_wait", "fail"} },
	}
	sort.Run = func(arg string) error {
		if arg == "" {
			return errors.New("sort by which column?")
		}
		return run("sort")(arg)
	}
	return New([]Command{
		{Name: "spaces", Aliases: []string{"sp"}, Help: "the table of port spaces", Run: run("spaces")},
		{Name: "processes", Aliases: []string{"proc", "ps"}, Help: "the table of processes", Run: run("processes")},
		{Name: "destinations", Aliases: []string{"dest"}, Help: "the table of destinations", Run: run("destinations")},
		{Name: "report", Help: "write a report to a file", Run: run("report")},
		sort,
		{Name: "theme", Help: "dark, light, high-contrast, mono", Args: func(string) []string { return []string{"dark", "light", "high-contrast", "mono"} }, Run: run("theme")},
		{Name: "quit", Aliases: []string{"q"}, Help: "end", Run: run("quit")},
	}), ran
}

func TestRun(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"report<enter>":                 "ran [report]",
		"rep /tmp/x y <enter>":          "ran [report /tmp/x y]",
		"Q<enter>":                      "ran [quit]",
		"ps<enter>":                     "ran [processes]",
		"<enter>":                       "left []",
		"rep<esc>":                      "left []",
		"<backspace>":                   "left []",
		"r<backspace>":                  "typing []",
		"d<right><enter>":               "ran [destinations]",
		"de<tab><enter>":                "ran [destinations]",
		"sor<tab>us<tab><enter>":        "ran [sort used]",
		"sort f<tab><tab><enter>":       "ran [sort fail]",
		"sort f<tab><shift+tab><enter>": "ran [sort f]", // what was typed again
		"<tab><tab><enter>":             "ran [processes]",
		"<shift+tab><enter>":            "ran [quit]",
		"s<down><down><enter>":          "typing sort by which column? []",
		"s<down><down><up><enter>":      "ran [spaces]",
		"theme hc<tab><enter>":          "ran [theme high-contrast]", // letters in that order
		"theme contrast<tab><enter>":    "ran [theme high-contrast]",
		"reports<enter>":                "typing no command reports; did you mean report? []",
		"horse<enter>":                  "typing no command horse; Tab on an empty line shows all []",
		"s<enter>":                      "typing which command: spaces or sort? []",
		"+10s<enter>":                   "ran [+10s]",
		"+x<enter>":                     "typing +x: not a time []",
		"+x<enter><backspace>10<enter>": "ran [+10]",
	} {
		p, ran := testPrompt()
		p.Other = func(text string) (bool, error) {
			if !strings.HasPrefix(text, "+") {
				return false, nil
			}
			if strings.Contains(text, "x") {
				return true, errors.New(text + ": not a time")
			}
			*ran = append(*ran, text)
			return true, nil
		}
		result := Typing
		for _, msg := range keys(typed) {
			result = p.Press(msg)
		}
		got := strings.Join(strings.Fields(fmt.Sprintln([]string{"typing", "ran", "left"}[result], p.Fault(), *ran)), " ")
		if got != want {
			t.Errorf("%s: %s, want %s", typed, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	p, _ := testPrompt()
	for _, line := range []string{"report a", "spaces", "report b", "spaces"} {
		p.Open(line)
		if p.Press(key("enter")) != Ran {
			t.Fatal(line)
		}
	}
	for typed, want := range map[string]string{
		"<up>":                     "spaces",
		"<up><up>":                 "report b",
		"<up><up><up><up><up>":     "report a",
		"<up><up><down>":           "spaces",
		"<up><down>":               "",
		"rep<up>":                  "report b",
		"rep<up><up>":              "report a",
		"rep<up><down>":            "rep",
		"<ctrl+p><ctrl+p><ctrl+n>": "spaces",
		"rep<up>x":                 "report bx",
		"zz<up>":                   "zz",
		"<up><up><backspace>c":     "report c",
	} {
		p.Open("")
		for _, msg := range keys(typed) {
			p.Press(msg)
		}
		if got := p.Text(); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	for i := range maxHistory + 5 {
		p.remember(fmt.Sprint(i))
	}
	if len(p.history) != maxHistory || p.history[0] != "5" {
		t.Errorf("%d lines from %s", len(p.history), p.history[0])
	}
}

// TestView has the prompt as it is shown, with marks for the styles.
func TestView(t *testing.T) {
	t.Parallel()
	mark := func(before, after string) func(string) string {
		return func(s string) string { return before + s + after }
	}
	styles := &Styles{
		Cursor: mark("[", "]"), Ghost: mark("(", ")"), Help: mark("·", "·"), Chosen: mark("*", "*"), Fault: mark("!", "!"),
	}
	var out strings.Builder
	for _, test := range []struct {
		typed         string
		width, height int
	}{
		{"", 60, 10},
		{"", 60, 4},
		{"", 24, 10},
		{"s", 60, 10},
		{"s<tab><tab>", 60, 10},
		{"<shift+tab>", 60, 4},
		{"sort ", 60, 10},
		{"sort t", 60, 10},
		{"theme <tab>", 60, 10},
		{"reports<enter>", 60, 10},
		{"horse", 60, 10},
		{"de", 60, 1},
		{"de", 4, 3},
	} {
		p, _ := testPrompt()
		for _, msg := range keys(test.typed) {
			p.Press(msg)
		}
		lines := p.View(test.width, test.height, styles)
		if len(lines) > test.height {
			t.Errorf("%s: %d lines", test.typed, len(lines))
		}
		for _, line := range p.View(test.width, test.height, &Styles{}) {
			if cells(line) > test.width {
				t.Errorf("%s: %q is wider than %d", test.typed, line, test.width)
			}
		}
		fmt.Fprintf(&out, "--- %s %dx%d\n%s\n", test.typed, test.width, test.height, strings.Join(lines, "\n"))
	}
	golden.RequireEqual(t, out.String())
}

func TestHostileArgument(t *testing.T) {
	t.Parallel()
	p := New([]Command{{Name: "unit", Args: func(string) []string { return []string{"a\x1b[2J", "a\nb"} }}})
	p.Open("unit a")
	lines := p.View(40, 5, &Styles{})
	p.Press(key("right"))
	for _, line := range append(lines, p.Text()) {
		if strings.ContainsAny(line, "\x1b\n") {
			t.Errorf("%q", line)
		}
	}
}

func FuzzPrompt(f *testing.F) {
	f.Add("s\x02\x02\x04", 20, 5)
	names := []string{"tab", "shift+tab", "up", "down", "enter", "right", "backspace", "ctrl+w", "ctrl+p", "ctrl+n", "left", "home"}
	f.Fuzz(func(t *testing.T, typed string, width, height int) {
		if len(typed) > longestTyped {
			return
		}
		p, _ := testPrompt()
		for _, r := range typed {
			msg := key(string(r))
			if r < ' ' {
				msg = key(names[int(r)%len(names)])
			}
			if p.Press(msg) != Typing {
				p.Open("")
			}
			p.View(width%300, height%100, &marked)
		}
	})
}
