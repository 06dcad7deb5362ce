package tui

import (
	"fmt"
	"image/color"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/golden"
)

// TestViews pins the characters of every view.
func TestViews(t *testing.T) {
	for _, v := range allViews() {
		s := v.of(t)
		for _, size := range v.sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", v.name, size.width, size.height), func(t *testing.T) {
				m := withEffects(screen(size.width, size.height, s, v.keys...))
				requireFit(t, m, size.width, size.height)
				golden.RequireEqual(t, trimmed(text(m)))
			})
		}
	}
}

// TestColours pins what is sent to a terminal by its background and by the colours that it has;
// ascii is what NO_COLOR asks for.
func TestColours(t *testing.T) {
	terminals := []struct {
		name    string
		light   bool
		profile colorprofile.Profile
	}{
		{"dark", false, colorprofile.TrueColor},
		{"light", true, colorprofile.TrueColor},
		{"256", false, colorprofile.ANSI256},
		{"16", false, colorprofile.ANSI},
		{"ascii", false, colorprofile.ASCII},
	}
	for _, v := range []view{
		{name: "overview", of: worst("proxy")},
		{name: "space", of: worst("proxy"), keys: []string{"enter"}},
		{name: "why", of: worst("proxy"), keys: []string{"w"}},
	} {
		for _, terminal := range terminals {
			t.Run(v.name+"-"+terminal.name, func(t *testing.T) {
				m := screen(120, 40, v.of(t))
				paintedFor(m, terminal.light, terminal.profile)
				press(m, v.keys...)
				golden.RequireEqual(t, drawn(t, withEffects(m), terminal.profile))
			})
		}
	}
}

// paintedFor takes what a terminal answers about itself.
func paintedFor(m *Model, light bool, profile colorprofile.Profile) {
	background := tea.BackgroundColorMsg{Color: color.Black}
	if light {
		background.Color = color.White
	}
	m.Update(background)
	m.Update(tea.ColorProfileMsg{Profile: profile})
}

func TestNoColourIsSent(t *testing.T) {
	t.Parallel()
	for _, v := range allViews() {
		m := screen(120, 40, v.of(t))
		paintedFor(m, false, colorprofile.ASCII)
		press(m, v.keys...)
		out := drawn(t, m, colorprofile.ASCII)
		for _, colour := range []string{"\x1b[3", "\x1b[9", "\x1b[4", ";3", ";4", ";9"} {
			if strings.Contains(out, colour) {
				t.Errorf("%s: a colour is set: %q in %q", v.name, colour, out)
			}
		}
	}
}

// styling is all that the screen itself sends besides text.
var styling = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestNothingFromOutsideReachesTheTerminal(t *testing.T) {
	t.Parallel()
	bad := hostile()
	for _, v := range allViews() {
		m := screen(80, 40, bad, v.keys...)
		for _, width := range []int{80, 20, 130, 300} {
			m.Update(tea.WindowSizeMsg{Width: width, Height: 40})
			requireInert(t, m, v.name)
		}
	}
}

// requireInert fails when more than text and its colours is sent.
func requireInert(t *testing.T, m *Model, name string) {
	t.Helper()
	if bad := strings.IndexFunc(strings.ReplaceAll(text(m), "\n", ""), unprintable); bad >= 0 {
		t.Errorf("%s at %d: %q", name, m.width, text(m)[bad:])
	}
	view := m.View()
	if rest := styling.ReplaceAllString(view.Content, ""); strings.Contains(rest, "\x1b") {
		t.Errorf("%s at %d: a foreign escape sequence in %q", name, m.width, rest)
	}
	if strings.IndexFunc(view.WindowTitle, unprintable) >= 0 {
		t.Errorf("%s: the title is %q", name, view.WindowTitle)
	}
}
