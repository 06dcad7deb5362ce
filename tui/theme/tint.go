package theme

import (
	"errors"
	"fmt"
	"image/color"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// tint is how a role is drawn.
type tint struct {
	color color.Color // nil is the terminal's own

	bold, faint, underline, reverse bool
}

// tints are those with true colour, 256 colours, 16, and none.
type tints [4]tint

// depth returns the index in tints for a terminal. One that is not known yet counts as the
// best: what draws reduces the colours as soon as it knows.
func depth(profile colorprofile.Profile) int {
	switch profile {
	case colorprofile.ANSI256:
		return 1
	case colorprofile.ANSI:
		return 2
	case colorprofile.ASCII, colorprofile.NoTTY:
		return 3
	}
	return 0
}

// parseTints reads tints with | between them. Those that are missing have the nearest colours
// of the last one and its attributes.
func parseTints(text string) (tints, error) {
	var all tints
	parts := strings.Split(text, "|")
	if len(parts) > len(all) {
		return all, fmt.Errorf("%d tints, where four are the most: true colour | 256 colours | 16 | none", len(parts))
	}
	for i, part := range parts {
		one, err := parseTint(part)
		if err != nil {
			return all, err
		}
		all[i] = one
	}
	for i := len(parts); i < len(all); i++ {
		all[i] = all[i-1]
		all[i].color = nil
		if c := all[i-1].color; c != nil && i < 3 {
			all[i].color = [...]colorprofile.Profile{1: colorprofile.ANSI256, 2: colorprofile.ANSI}[i].Convert(c)
		}
	}
	return all, allowed(all)
}

// allowed refuses colours that a terminal of that kind cannot have.
func allowed(all tints) error {
	if all[3].color != nil {
		return errors.New("a colour in the tint without colours")
	}
	for i, most := range [...]int{1: 255, 2: 15} {
		if c := all[i].color; i > 0 && c != nil && number(c) > most {
			return fmt.Errorf("a colour above %d in the tint of %d colours", most, most+1)
		}
	}
	return nil
}

func parseTint(text string) (tint, error) {
	var l tint
	words := strings.Fields(text)
	if len(words) == 0 {
		return l, errors.New("want a colour as in #6b7788, 243 or default, or one of bold, faint, underline, reverse")
	}
	for _, word := range words {
		switch word {
		case "default":
			l.color = nil
		case "bold":
			l.bold = true
		case "faint":
			l.faint = true
		case "underline":
			l.underline = true
		case "reverse":
			l.reverse = true
		default:
			c, ok := parseColor(word)
			if !ok {
				return l, fmt.Errorf("%s is no colour as in #6b7788, 243 or default, and none of bold, faint, underline, reverse", strconv.Quote(word))
			}
			l.color = c
		}
	}
	return l, nil
}

// parseColor reads #rrggbb, #rgb, or a number from 0 to 255.
func parseColor(text string) (color.Color, bool) {
	if digits, found := strings.CutPrefix(text, "#"); found {
		_, err := strconv.ParseUint(digits, 16, 32)
		return lipgloss.Color(text), err == nil && (len(digits) == 3 || len(digits) == 6)
	}
	_, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return nil, false
	}
	return lipgloss.Color(text), true
}

// number returns the number of a colour that is among the first 256, else 256.
func number(c color.Color) int {
	switch c := c.(type) {
	case ansi.BasicColor:
		return int(c)
	case ansi.IndexedColor:
		return int(c)
	}
	return 256
}

// style returns the tint for text.
func (l *tint) style() lipgloss.Style {
	s := lipgloss.NewStyle().Bold(l.bold).Faint(l.faint).Underline(l.underline).Reverse(l.reverse)
	if l.color != nil {
		s = s.Foreground(l.color)
	}
	return s
}

// String returns the tint as it is in a file.
func (l tint) String() string {
	var words []string
	switch n := number(l.color); {
	case l.color == nil:
	case n < 256:
		words = append(words, strconv.Itoa(n))
	default:
		r, g, b, _ := l.color.RGBA()
		words = append(words, fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8))
	}
	for _, attribute := range []struct {
		name string
		set  bool
	}{{"bold", l.bold}, {"faint", l.faint}, {"underline", l.underline}, {"reverse", l.reverse}} {
		if attribute.set {
			words = append(words, attribute.name)
		}
	}
	if len(words) == 0 {
		return "default"
	}
	return strings.Join(words, " ")
}
