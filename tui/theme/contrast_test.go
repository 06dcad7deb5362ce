package theme

import (
	"image/color"
	"math"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// ratio returns the contrast of two colours after WCAG 2, from 1 to 21.
func ratio(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func TestRatio(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want float64
	}{{"#000", "#fff", 21}, {"#777", "#fff", 4.48}, {"#123456", "#123456", 1}} {
		if got := ratio(lipgloss.Color(test.a), lipgloss.Color(test.b)); math.Abs(got-test.want) > 0.005 {
			t.Errorf("%s on %s: %.3f", test.a, test.b, got)
		}
	}
}

var (
	darkBackgrounds  = []string{"#0d1117", "#1e1e2e", "#000000"}
	lightBackgrounds = []string{"#ffffff", "#fafafa"}
	// graphics are the roles that are not read as text.
	graphics = map[Role]bool{Faint: true, Border: true, Free: true}
)

// TestContrast checks the tints with true colour and with 256 colours; the first sixteen are
// the terminal's to choose.
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		text, graphic := 4.5, 3.0
		if name == "high-contrast" {
			text, graphic = 7, 4.5
		}
		theme := builtin[name]
		if name != "light" { // which has the light tints in both
			checkContrast(t, name+" on dark", &theme.dark, darkBackgrounds, text, graphic)
		}
		if name != "dark" {
			checkContrast(t, name+" on light", &theme.light, lightBackgrounds, text, graphic)
		}
	}
}

func checkContrast(t *testing.T, name string, p *palette, backgrounds []string, text, graphic float64) {
	t.Helper()
	for r := range roleCount {
		least := text
		if graphics[r] {
			least = graphic
		}
		for d := range 2 {
			if d == 1 {
				least = min(least, 4.5) // few of the 256 colours are darker, and have a hue
			}
			tint, selection := p[r][d], p[Selection][d]
			if tint.color == nil || r == Selection {
				continue
			}
			for _, background := range backgrounds {
				if got := ratio(tint.color, lipgloss.Color(background)); got < least {
					t.Errorf("%s, %s: %v on %s has %.2f, want %.1f", name, r, tint, background, got, least)
				}
			}
			if selection.color == nil || r == Chip {
				continue
			}
			if d == 1 {
				least = min(least, 4) // nor are there greys between the background and a hue
			}
			if got := ratio(tint.color, selection.color); got < least {
				t.Errorf("%s, %s: %v on the selection %v has %.2f, want %.1f", name, r, tint, selection, got, least)
			}
		}
	}
}

// TestSelectionSeen checks that the selection differs from the background, but not so much
// that the text of the terminal cannot be read on it.
func TestSelectionSeen(t *testing.T) {
	t.Parallel()
	theme := Default()
	for _, test := range []struct {
		palette     *palette
		backgrounds []string
		text        string
	}{{&theme.dark, darkBackgrounds, "#cccccc"}, {&theme.light, lightBackgrounds, "#333333"}} {
		for d := range 2 {
			selection := test.palette[Selection][d].color
			for _, background := range test.backgrounds {
				if got := ratio(selection, lipgloss.Color(background)); got < 1.1 {
					t.Errorf("selection %v on %s: %.2f", selection, background, got)
				}
			}
			if got := ratio(lipgloss.Color(test.text), selection); got < 7 {
				t.Errorf("%s on the selection %v: %.2f", test.text, selection, got)
			}
		}
	}
}

// TestStatesDiffer checks that no two states of a port have nearly the same colour.
func TestStatesDiffer(t *testing.T) {
	t.Parallel()
	states := []Role{Open, SynSent, TimeWait, CloseWait, Bound, Listener, Reserved, Free}
	for _, name := range []string{"dark", "light"} {
		theme := builtin[name]
		for i, a := range states {
			for _, b := range states[:i] {
				x, y := theme.dark[a][0].color, theme.dark[b][0].color
				if d := distance(x, y); d < 30 {
					t.Errorf("%s: %s and %s differ by %.0f", name, a, b, d)
				}
			}
		}
	}
}

// distance is the Euclidean one of RGB, from 0 to 441.
func distance(a, b color.Color) float64 {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	sum := 0.0
	for _, pair := range [][2]uint32{{r1, r2}, {g1, g2}, {b1, b2}} {
		d := float64(pair[0]>>8) - float64(pair[1]>>8)
		sum += d * d
	}
	return math.Sqrt(sum)
}

func TestHandChosenColors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dark", "light", "high-contrast"} {
		for r := range roleCount {
			all := builtin[name].dark[r]
			if all[0].color == nil {
				continue
			}
			_, indexed := all[1].color.(ansi.IndexedColor)
			_, basic := all[1].color.(ansi.BasicColor)
			if !indexed || basic {
				t.Errorf("%s, %s: %v is none of the fixed 240 colours", name, r, all[1])
			}
		}
	}
}
