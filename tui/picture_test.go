package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/theme"
)

// focused is a screen that asks for the maps of what it shows.
func focused(width, height int, s *snapshot.Snapshot, keys ...string) (*Model, *snapshot.Focus) {
	focus := &snapshot.Focus{}
	m := newModel(noContext, Options{Theme: theme.Default(), Focus: focus})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	give(m, s)
	press(m, keys...)
	return m, focus
}

// TestFocus: the maps of the spaces on the screen are asked for, of no others.
func TestFocus(t *testing.T) {
	t.Parallel()
	s := fixture()
	id := func(i int) snapshot.SpaceID { return s.PortSpaces[i].ID() }
	for _, tc := range []struct {
		name  string
		width int
		keys  []string
		want  []snapshot.SpaceID
	}{
		{"the row under the cursor", 80, nil, []snapshot.SpaceID{id(0)}},
		{"the next", 80, []string{"down"}, []snapshot.SpaceID{id(1)}},
		{"beside the table", 160, []string{"down"}, []snapshot.SpaceID{id(1)}},
		{"a detail", 80, []string{"down", "enter"}, []snapshot.SpaceID{id(1)}},
		{"another table", 80, []string{"2"}, nil},
		{"back again", 80, []string{"2", "1"}, []snapshot.SpaceID{id(0)}},
		{"no row", 80, []string{"/", "absent", "enter"}, nil},
	} {
		_, focus := focused(tc.width, 40, s, tc.keys...)
		if got := focus.IDs(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	// A detail that leads to another space shows both.
	m, focus := focused(160, 60, s, "2", "enter")
	chooseDoor(t, m, "10.0.0.9:5432")
	if got := focus.IDs(); !slices.Equal(got, []snapshot.SpaceID{id(1)}) {
		t.Errorf("beside a process: %v", got)
	}
}

// TestFocusInAReplay: a moment that stands still is asked for again, once, when the focus changes.
func TestFocusInAReplay(t *testing.T) {
	t.Parallel()
	d := recording()
	m := newModel(noContext, Options{Theme: theme.Default(), Focus: &snapshot.Focus{}, Player: d})
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 40})
	give(m, fixture())
	before := d.shown
	press(m, "down")
	give(m, fixture())
	give(m, fixture())
	if d.shown != before+1 {
		t.Errorf("asked for %d times", d.shown-before)
	}
}

// TestMapAndCurve are on the overview, beside it, and in the detail of a space.
func TestMapAndCurve(t *testing.T) {
	t.Parallel()
	s := worst("proxy")(t)
	for _, tc := range []struct {
		size size
		keys []string
	}{
		{size{80, 24}, nil},
		{size{119, 40}, nil},
		{size{120, 50}, nil},
		{size{200, 60}, nil},
		{size{80, 30}, []string{"enter"}},
		{size{160, 50}, []string{"enter"}},
	} {
		m := screen(tc.size.width, tc.size.height, s, tc.keys...)
		got := text(m)
		for _, want := range []string{"40000 ▓▓▓", " 40999", "▓ TIME_WAIT 1,000"} {
			if want == " 40999" && tc.size.width == 120 {
				continue // the pane is too narrow for the end of the range
			}
			if !strings.Contains(got, want) {
				t.Errorf("%v %v: no %q in\n%s", tc.size, tc.keys, want, got)
			}
		}
		if tc.size.height >= 40 && !strings.Contains(got, "100%┤") {
			t.Errorf("%v %v: no curve with an axis:\n%s", tc.size, tc.keys, got)
		}
	}
}

// TestMapTellsStatesApart without any colour.
func TestMapTellsStatesApart(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"edge":    {"open 200", "free 800"},
		"billing": {"CLOSE_WAIT 2,000"},
		"proxy":   {"TIME_WAIT 1,000"},
		"web":     {"open 60", "free 60"},
	} {
		got := text(screen(100, 40, worst(name)(t), "enter"))
		for _, legend := range want {
			at := strings.Index(got, legend)
			if at < 0 {
				t.Errorf("%s: no %q in\n%s", name, legend, got)
				continue
			}
			before := []rune(strings.TrimRight(got[:at], " "))
			if mark := before[len(before)-1]; strings.Count(got, string(mark)) < 20 {
				t.Errorf("%s: %s is %q, which is not in the map:\n%s", name, legend, mark, got)
			}
		}
	}
}

// TestNoPictureWithoutFigures: a space whose range is not known has none, and no empty place for it.
func TestNoPictureWithoutFigures(t *testing.T) {
	t.Parallel()
	for _, s := range []*snapshot.Snapshot{rangeless(), fixture()} {
		m := screen(80, 40, s)
		if got := text(m); m.layout.picture != 0 || strings.Contains(got, "ports of 10.0.0.1 →") {
			t.Errorf("%d lines for nothing:\n%s", m.layout.picture, got)
		}
	}
}

// TestCurveHasTheForecast of a space that is filling up, and none of one that is full.
func TestCurveHasTheForecast(t *testing.T) {
	t.Parallel()
	space := early("billing")(t).PortSpaces[0]
	now := early("billing")(t).Wall
	c := fillCurve(&space, now, unpainted())
	if c == nil || c.Forecast == nil || c.Forecast.ETA != space.Forecast.ETA || c.Forecast.ETA <= 0 || len(c.Samples) == 0 {
		t.Fatalf("curve %+v of %+v", c, space.Forecast)
	}
	if last := c.Samples[len(c.Samples)-1]; last.InUse != int(space.Fill[len(space.Fill)-1].InUse) || now.Sub(last.At) >= 2*time.Second {
		t.Errorf("the newest sample is %+v, now is %s", last, now)
	}
	full := worst("billing")(t).PortSpaces[0]
	if c := fillCurve(&full, now, unpainted()); c == nil || c.Forecast != nil {
		t.Errorf("full, and the forecast is %+v", c.Forecast)
	}
	if c := fillCurve(&snapshot.PortSpace{Fill: nil}, now, unpainted()); c != nil {
		t.Error("a curve of nothing")
	}
}

// TestPicturesFit at any size.
func TestPicturesFit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"proxy", "edge", "sync", "web", "notify", "crawler"} {
		for _, keys := range [][]string{nil, {"enter"}, {":", "braille on", "enter"}} {
			m := screen(80, 24, worst(name)(t), keys...)
			for _, size := range []size{{8, 40}, {20, 24}, {41, 30}, {80, 17}, {119, 28}, {120, 26}, {301, 90}} {
				m.Update(tea.WindowSizeMsg{Width: size.width, Height: size.height})
				requireFit(t, m, size.width, size.height)
				requireInert(t, m, name)
			}
		}
	}
}
