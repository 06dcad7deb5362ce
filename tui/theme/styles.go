package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

// Styles are the tints of a theme for one terminal.
type Styles struct {
	plain    [roleCount]brush
	selected [roleCount]brush
	// reversed is set if the row under the cursor is in reverse video: all pieces of it then
	// have the tint of the row, or they would be bars of many colours.
	reversed bool
}

// brush is a style with the sequences that it writes, as painting is done for each piece of
// each line.
type brush struct {
	style         lipgloss.Style
	before, after string
}

func newBrush(style lipgloss.Style) brush {
	before, after, _ := strings.Cut(style.Render("x"), "x")
	return brush{style: style, before: before, after: after}
}

func (b *brush) paint(text string) string {
	if text == "" || b.before == "" {
		return text
	}
	return b.before + text + b.after
}

// Styles returns the tints on a dark or light background, with the colours that a terminal has.
func (t Theme) Styles(dark bool, profile colorprofile.Profile) *Styles {
	all := &t.light
	if dark {
		all = &t.dark
	}
	d := depth(profile)
	selection := all[Selection][d]
	s := &Styles{reversed: selection.reverse || selection.color == nil}
	for r := range roleCount {
		one := all[r][d]
		s.plain[r] = newBrush(one.style())
		one.faint = false // faint on a background is hard to read
		one.bold = one.bold || selection.bold
		one.reverse = one.reverse || s.reversed
		style := one.style()
		if !s.reversed {
			style = style.Background(selection.color)
		}
		s.selected[r] = newBrush(style)
	}
	s.plain[Selection], s.selected[Selection] = s.selected[Text], s.selected[Text]
	return s
}

// Style returns the tint of a role, for what takes a style.
func (s *Styles) Style(r Role) lipgloss.Style { return s.plain[r].style }

// Paint returns a text, of one line, in the tint of a role.
func (s *Styles) Paint(r Role, text string) string { return s.plain[r].paint(text) }

// PaintSelected returns a piece of the row under the cursor. The row has the role of its
// state, the piece its own: blanks and the room to the edge are pieces, too.
func (s *Styles) PaintSelected(row, piece Role, text string) string {
	if s.reversed {
		piece = row
	}
	return s.selected[piece].paint(text)
}
