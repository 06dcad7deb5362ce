package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/chart"
)

// hostile are texts that try to leave the place where they are put.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</style><iframe src=//evil.example>`,
	`]]><svg onload=alert(1)>`, `{{.}}{{define "x"}}`, `javascript:alert(1)`, "\x1b[2J\u202e\n\xff", `<!--`, `--><b>`, `&lt;script&gt;`,
	"`|$(id)|[x](javascript:alert(1))![](http://evil.example/a.png)", "# title\n```\n|a|b|", `http://evil.example WWW.evil.example a@evil.example #12 @all`,
	"- [ ] x", "1. one", "***bold***", `\`, "```", "~~gone~~",
}

// everywhere is a document with a text in every place.
func everywhere(text string) *Document {
	blocks := []Block{
		{Heading: text},
		{Text: text},
		{List: []string{text, text}},
		{Facts: []Fact{{text, text}}},
		{Code: []string{text, text}},
		{Table: &Table{Title: text, Head: []string{text, text}, Left: []bool{true}, Rows: [][]string{{text, text}}, More: text}},
	}
	blocks = append(blocks, Block{Steps: []Step{{text, blocks}}})
	x := []float64{0, 1, 2}
	ticks := []chart.Tick{{At: 0}, {At: 1, Label: text}, {At: 2}}
	figure := &Figure{Title: text, Caption: text, Chart: chart.Chart{
		Lines: []chart.Line{{Name: text, Role: chart.One, Area: true, X: x, Y: x}, {Name: text + "2", Role: chart.Bad, Dots: true, X: x, Y: x}},
		Bands: []chart.Band{{Name: text + "3", Role: chart.Forecast, X: x, Low: x, High: x}}, Bars: x, X: ticks, Y: ticks,
	}}
	return &Document{Title: text, About: []string{text}, Sections: []Section{
		{Title: text, Blocks: append(blocks, Block{Card: &Card{Level: Bad, Title: text, Blocks: blocks}})},
		{Title: text, Blocks: []Block{{Figure: figure}}},
	}}
}

func TestHTMLIsInert(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		var out bytes.Buffer
		if err := HTML(&out, everywhere(text)); err != nil {
			t.Fatal(err)
		}
		checkHTML(t, out.String())
		if bytes.ContainsAny(out.Bytes(), "\x1b\xff\u202e") {
			t.Errorf("%q: a control character is in the page", text)
		}
	}
}

// inert are the elements and attributes that a page may have. None runs or fetches anything.
var (
	inertElements = strings.Fields("html head meta title style body header main nav section article h1 h2 h3 h4 p a ul ol li dl div dt dd " +
		"pre code table caption thead tbody tr th td figure figcaption b span i svg path text circle")
	inertAttributes = strings.Fields("charset name content http-equiv lang href id class data-name scope tabindex role aria-label aria-hidden viewBox " +
		"x y cx cy r d stroke-dasharray transform style")
	inertStyle = regexp.MustCompile(`^[a-z0-9:;,.()\- ]*$`)
)

// checkHTML fails unless a page is well-formed and has only elements that do nothing.
func checkHTML(t *testing.T, text string) {
	t.Helper()
	in := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			checkElement(t, &e)
		case xml.Comment, xml.ProcInst:
			t.Errorf("unexpected: %v", e)
		}
	}
}

func checkElement(t *testing.T, e *xml.StartElement) {
	t.Helper()
	if !slices.Contains(inertElements, e.Name.Local) {
		t.Errorf("element %s", e.Name.Local)
	}
	for _, a := range e.Attr {
		switch {
		case !slices.Contains(inertAttributes, a.Name.Local):
			t.Errorf("attribute %s of %s", a.Name.Local, e.Name.Local)
		case a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#"),
			a.Name.Local == "style" && !inertStyle.MatchString(a.Value):
			t.Errorf("%s=%q", a.Name.Local, a.Value)
		}
	}
}

// TestStyleFetchesNothing holds the style to what is in it.
func TestStyleFetchesNothing(t *testing.T) {
	t.Parallel()
	for _, fetches := range []string{"url(", "@import", "http", "expression", "src"} {
		if strings.Contains(style, fetches) {
			t.Errorf("the style has %s", fetches)
		}
	}
}

// TestProse: in a table with sentences each cell has the name of its column, which a telephone shows.
func TestProse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why   string
		prose bool
	}{{strings.Repeat("because ", 6), true}, {"short", false}} {
		for _, name := range append(slices.Clone(hostile), "reason") {
			table := Table{Head: []string{"signal", name, "why"}, Left: []bool{true, true, true}, Rows: [][]string{{"bind", "off", c.why}}}
			var out bytes.Buffer
			if err := HTML(&out, &Document{Sections: []Section{{Blocks: []Block{{Table: &table}}}}}); err != nil {
				t.Fatal(err)
			}
			checkHTML(t, out.String())
			if got := strings.Contains(out.String(), `<td data-name="why" class="text`); got != c.prose {
				t.Errorf("%q: named cells: %t, want %t", c.why, got, c.prose)
			}
		}
	}
}

func TestMarkdownIsInert(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		var out bytes.Buffer
		if err := Markdown(&out, everywhere(text)); err != nil {
			t.Fatal(err)
		}
		checkMarkdown(t, out.String())
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^ *(````*)\n.*?\n *(````*)$")
	link    = regexp.MustCompile(`(?i)[^\\]\]\(|://|www\.|@[a-z]|(^|\W)#[0-9]`)
	tag     = regexp.MustCompile(`<[^!]|<!--.*[^ ]-->`)
	escapes = regexp.MustCompile(`\\[\\|]`)
)

// checkMarkdown fails if a text outside of code makes markup, or breaks a table.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	rest := fenced.ReplaceAllString(text, "")
	for line := range strings.Lines(rest) {
		if m := link.FindString(line) + tag.FindString(line); m != "" {
			t.Errorf("%q in %q", m, line)
		}
		if cells := strings.Count(escapes.ReplaceAllString(line, ""), "|"); cells != 0 && cells != 3 {
			t.Errorf("a row of %d bars: %q", cells, line)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"close_wait of nginx ×2":   "close_wait of nginx ×2",
		"~EADDRNOTAVAIL":           `\~EADDRNOTAVAIL`,
		"_x_ *y*":                  `\_x\_ \*y\*`,
		"10.0.0.2:80, 1,000 ports": "10.0.0.2:80, 1,000 ports",
		"1. one":                   `1\. one`,
		"2026-11-27":               "2026-11-27",
		"- a - b":                  `\- a - b`,
		"a|b":                      `a\|b`,
		"x && y &amp; z":           "x && y &amp;amp; z",
		"job@1.service":            "job@<!-- -->1.service",
		"http://10.0.0.1":          "http:<!-- -->//10.0.0.1",
		"issue #12, GH-12":         "issue #<!-- -->12, GH-<!-- -->12",
		"[x](y)":                   `\[x\](y)`,
		"<b>":                      "&lt;b&gt;",
		"a\nb\x1b":                 `a\\nb\\x1b`,
	} {
		if got := escape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
