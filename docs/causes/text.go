package causes

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Text returns the page for a terminal of that width: without the marks of Markdown, lines
// wrapped, commands and quoted output as they are.
func (p Page) Text(width int) string {
	var out strings.Builder
	out.WriteString(string(p.Cause) + ": " + p.Title + "\n")
	for _, section := range p.Sections {
		out.WriteString("\n" + strings.ToUpper(section.Title) + "\n\n" + section.Text(width))
	}
	return out.String()
}

// Text returns the section without its title.
func (s Section) Text(width int) string {
	var out strings.Builder
	var open paragraph
	quoted := false
	for line := range strings.Lines(s.Body) {
		line = strings.TrimRight(line, "\n")
		switch mark, rest := cutItem(line); {
		case strings.HasPrefix(line, "```"):
			quoted = !quoted
			open.end(&out, width)
		case quoted:
			out.WriteString(strings.TrimRight(open.margin()+"  "+line, " ") + "\n")
		case line == "":
			open.end(&out, width)
			out.WriteString("\n")
		case strings.TrimSpace(mark) != "", open.text == "":
			open.end(&out, width)
			open = paragraph{mark: mark, text: rest}
		default:
			open.text += " " + rest
		}
	}
	open.end(&out, width)
	return out.String()
}

// item matches the beginning of an entry of a list, or the margin of a paragraph in one.
var item = regexp.MustCompile(`^ *(- |\d+\. )?`)

func cutItem(line string) (mark, rest string) {
	mark = item.FindString(line)
	return mark, line[len(mark):]
}

var (
	link = regexp.MustCompile(`\[([^]]+)\]\(([^)]+)\)`)
	code = regexp.MustCompile("`([^`]+)`")
)

// glue stands for a space at which no line ends: a command must be in one line to be copied.
const glue = "\u00a0"

// plain returns text without marks. Quotes and glue hold code together that has spaces, or is
// one letter.
func plain(text string) string {
	text = link.ReplaceAllString(text, "$1 ($2)")
	text = code.ReplaceAllStringFunc(text, func(span string) string {
		span = strings.Trim(span, "`")
		if len(span) == 1 || strings.Contains(span, " ") {
			return "'" + strings.ReplaceAll(span, " ", glue) + "'"
		}
		return span
	})
	text = strings.ReplaceAll(text, " %", glue+"%")
	return strings.ReplaceAll(text, "**", "")
}

// paragraph is text that is wrapped, or an entry of a list.
type paragraph struct {
	mark string // of an entry, with what is before it
	text string
}

// margin is that of the lines after the first one.
func (p *paragraph) margin() string { return strings.Repeat(" ", len("  "+p.mark)) }

// end writes the paragraph, as far as it is not written yet. Its margin stays.
func (p *paragraph) end(out *strings.Builder, width int) {
	line := "  " + p.mark
	for i, word := range strings.FieldsFunc(plain(p.text), func(r rune) bool { return r == ' ' }) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			out.WriteString(strings.ReplaceAll(line, glue, " ") + "\n")
			line = p.margin()
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	line = strings.ReplaceAll(line, glue, " ")
	if p.text != "" {
		out.WriteString(line + "\n")
	}
	p.text = ""
}
