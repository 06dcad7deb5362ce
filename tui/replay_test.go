package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/theme"
)

// deck is a Player that notes what it is asked for.
type deck struct {
	playback playback.State
	spans    []event.Span
	timeline *playback.Timeline // if it is not that of the spans
	calls    []string
	shown    int // how often the moment was asked for again
}

func (d *deck) Playback() playback.State { return d.playback }

func (d *deck) Timeline() *playback.Timeline {
	if d.timeline == nil {
		d.timeline = playback.Roughly(d.spans)
	}
	return d.timeline
}

func (d *deck) TogglePause()       { d.note("toggle") }
func (d *deck) Step()              { d.note("step") }
func (d *deck) StepBack()          { d.note("step back") }
func (d *deck) Show()              { d.shown++ }
func (d *deck) NextIncident()      { d.note("next") }
func (d *deck) PreviousIncident()  { d.note("previous") }
func (d *deck) SetSpeed(x float64) { d.note("speed %g", x) }
func (d *deck) Seek(to event.Time) { d.note("seek %s", to.Sub(d.playback.Begin)) }

func (d *deck) note(format string, args ...any) {
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
}

// recording is half an hour up to the fixture's present and beyond, a span a second:
// a load in waves, failures at the crests, and a minute that is damaged.
func recording() *deck {
	begin := event.Time(fixtureStart.UnixNano())
	d := &deck{playback: playback.State{
		Begin: begin, End: begin.Add(30 * time.Minute), At: event.Time(fixtureNow.UnixNano()),
		Clock: fixture().Clock, Speed: 10,
	}}
	for i := range 30 * 60 {
		at := begin.Add(time.Duration(i) * time.Second)
		span := event.Span{Begin: at, End: at.Add(time.Second), Opens: uint64(1500 * (1 - math.Cos(float64(i)/120)))}
		switch {
		case i >= 1200 && i < 1260:
			span = event.Span{Begin: at, End: at.Add(time.Second), Damaged: true}
		case span.Opens > 2900:
			span.Failures = span.Opens / 20
		}
		d.spans = append(d.spans, span)
	}
	return d
}

func changed(d *deck, change func(*playback.State)) *deck {
	change(&d.playback)
	return d
}

// replayed is a screen with a player.
func replayed(width, height int, d *deck, s *snapshot.Snapshot, keys ...string) *Model {
	m := newModel(noContext, Options{Player: d, Theme: theme.Default()})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	give(m, s)
	press(m, keys...)
	return m
}

// replays are screens over a recording.
type replays []struct {
	name string
	deck func() *deck
	of   source
	keys []string
}

var decks = replays{
	{"playing", exact.deck(30 * time.Second), exact.at(30 * time.Second), []string{"2"}},
	{"paused", func() *deck {
		return changed(exact.deck(62250*time.Millisecond)(), func(p *playback.State) { p.Paused, p.Speed = true, 0.1 })
	}, exact.at(62250 * time.Millisecond), []string{"2"}},
	{"end", inferred.deck(whole), inferred.at(whole), []string{"2"}},
	{"seeking", func() *deck {
		return changed(exact.deck(0)(), func(p *playback.State) { p.Seeking, p.Target = true, p.Begin.Add(time.Minute) })
	}, made(nothing), []string{"2"}},
	{"damaged", damaged.deck(whole), damaged.at(whole), []string{"2"}},
	{"truncated", cutShort.deck(whole), cutShort.at(whole), []string{"2"}},
	{"detail", exact.deck(30 * time.Second), exact.at(30 * time.Second), []string{"4", "enter"}},
	{"help", exact.deck(30 * time.Second), exact.at(30 * time.Second), []string{"?"}},
	{"go-to", exact.deck(30 * time.Second), exact.at(30 * time.Second), []string{"2", ":", "13:59"}},
	{"go-to-nowhere", exact.deck(30 * time.Second), exact.at(30 * time.Second), []string{"2", ":", "tomorrow", "enter"}},
	{"go-to-outside", exact.deck(30 * time.Second), exact.at(30 * time.Second), []string{"2", ":", "04:15", "enter"}},
}

// oddDecks are what the recordings in the repository are not.
var oddDecks = replays{
	{"half-an-hour", recording, made(fixture), []string{"2"}},
	{"surveyed", func() *deck {
		d := recording()
		d.timeline = surveyed()
		return d
	}, made(fixture), []string{"2"}},
	{"being-surveyed", func() *deck {
		return changed(recording(), func(p *playback.State) { p.Surveyed = 0.4 })
	}, made(fixture), []string{"2"}},
	{"midnight", func() *deck {
		return changed(recording(), func(p *playback.State) { p.Clock.Wall += int64(20*time.Hour + 45*time.Minute) })
	}, made(fixture), []string{"2"}},
	{"clockless", func() *deck {
		return changed(recording(), func(p *playback.State) { p.Clock = event.Clock{} })
	}, made(fixture), []string{"2"}},
	{"no-spans", func() *deck {
		d := recording()
		d.spans = nil
		return d
	}, made(fixture), []string{"2"}},
	{"one-span", func() *deck {
		d := recording()
		d.spans = []event.Span{{Begin: d.playback.Begin, End: d.playback.End, Opens: 1, Failures: 1}}
		return d
	}, made(fixture), []string{"2"}},
	{"all-damaged", func() *deck {
		d := recording()
		for i := range d.spans {
			d.spans[i] = event.Span{Begin: d.spans[i].Begin, End: d.spans[i].End, Damaged: true}
		}
		return d
	}, made(fixture), []string{"2"}},
	{"no-time", func() *deck {
		d := recording()
		d.playback.Begin = d.playback.At
		d.playback.End = d.playback.At
		d.spans = []event.Span{{Begin: d.playback.At, End: d.playback.At, Opens: 3, Failures: 1}}
		return d
	}, made(fixture), []string{"2"}},
}

func TestReplayScreen(t *testing.T) {
	testReplayScreens(t, decks, [][2]int{{80, 24}, {120, 40}, {40, 20}})
	testReplayScreens(t, oddDecks, [][2]int{{80, 24}})
}

func testReplayScreens(t *testing.T, list replays, sizes [][2]int) {
	for _, tc := range list {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				m := replayed(size[0], size[1], tc.deck(), tc.of(t), tc.keys...)
				requireFit(t, m, size[0], size[1])
				golden.RequireEqual(t, trimmed(text(m)))
			})
		}
	}
}

func TestReplayProfiles(t *testing.T) {
	for name, profile := range map[string]colorprofile.Profile{"ansi": colorprofile.ANSI, "ascii": colorprofile.ASCII} {
		t.Run(name, func(t *testing.T) {
			m := replayed(80, 24, recording(), fixture())
			paintedFor(m, false, profile)
			golden.RequireEqual(t, drawn(t, m, profile))
		})
	}
}

func TestReplayKeys(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		keys []string
		want string
	}{
		{[]string{"p"}, "toggle"},
		{[]string{"space"}, "toggle"},
		{[]string{"."}, "step"},
		{[]string{","}, "step back"},
		{[]string{"n"}, "next"},
		{[]string{"N"}, "previous"},
		{[]string{"+"}, "speed 20"},
		{[]string{"="}, "speed 20"},
		{[]string{"-"}, "speed 5"},
		{[]string{"]"}, "seek 2m32s"},
		{[]string{"shift+right"}, "seek 2m32s"},
		{[]string{"["}, "seek 1m56s"},
		{[]string{"shift+left"}, "seek 1m56s"},
		{[]string{"}"}, "seek 5m14s"},
		{[]string{"ctrl+right"}, "seek 5m14s"},
		{[]string{"{"}, "seek -46s"},
		{[]string{"ctrl+left"}, "seek -46s"},
		{[]string{":", "50%", "enter"}, "seek 15m0s"},
		{[]string{":", "59%", "backspace", "backspace", "0%", "enter"}, "seek 15m0s"},
		{[]string{":", "bad", "enter", "ctrl+u", "+1m", "enter"}, "seek 3m14s"},
		{[]string{":", "-30s", "enter"}, "seek 1m44s"},
		{[]string{":", "50%", "esc"}, ""},
		{[]string{":", "n", "p"}, ""},
		{[]string{"/", "n.p+", "enter"}, ""},
		{[]string{"?", "n", "p", "."}, ""},
		{[]string{"enter", "n"}, "next"},
		// What the tables and the details use stays theirs.
		{[]string{"home", "G", "left", "right", "1", "2", "3", "4", "up", "pgdown", "s", "<", ">", "r", "tab", "esc"}, ""},
	} {
		d := recording()
		m := replayed(80, 24, d, fixture(), tc.keys...)
		if got := strings.Join(d.calls, ", "); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.keys, got, tc.want)
		}
		if m.paused {
			t.Errorf("%q: the screen itself is held", tc.keys)
		}
	}
}

// TestLiveHasNoReplayKeys: without a player they do nothing, and the help does not list them.
func TestLiveHasNoReplayKeys(t *testing.T) {
	t.Parallel()
	m := screen(80, 40, fixture(), ".", "n", "+", "-", "shift+left", "ctrl+right")
	if got, want := text(m), text(screen(80, 40, fixture())); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	live := text(screen(80, 120, fixture(), "?"))
	if strings.Contains(live, "The recording") || !strings.Contains(live, "freeze the display") {
		t.Errorf("the help has them:\n%s", live)
	}
	replay := text(replayed(80, 120, recording(), fixture(), "?"))
	if !strings.Contains(replay, "The recording") || strings.Contains(replay, "freeze the display") {
		t.Errorf("the help of a replay:\n%s", replay)
	}
}

func TestPasteIntoGoTo(t *testing.T) {
	t.Parallel()
	d := recording()
	m := replayed(80, 24, d, fixture(), ":")
	m.Update(tea.PasteMsg{Content: "2026-11-21T03:20:00Z"})
	press(m, "enter")
	if got := fmt.Sprint(d.calls); got != "[seek 10m0s]" {
		t.Errorf("got %s", got)
	}
	press(m, ":")
	m.Update(tea.PasteMsg{Content: evil})
	press(m, "enter")
	if bad := strings.IndexFunc(strings.ReplaceAll(text(m), "\n", ""), unprintable); bad >= 0 {
		t.Errorf("what was pasted reaches the terminal: %q", text(m))
	}
}

func TestSpeeds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, up, down float64 }{
		{0, 0.1, 0.1},
		{0.1, 0.2, 0.1},
		{1, 2, 0.5},
		{3, 5, 2},
		{1000, 1000, 500},
		{5000, 1000, 1000},
		{math.NaN(), 1000, 0.1},
	} {
		if up, down := faster(tc.from), slower(tc.from); up != tc.up || down != tc.down {
			t.Errorf("from %g: %g and %g, want %g and %g", tc.from, up, down, tc.up, tc.down)
		}
	}
}

// TestSeekWhileSeeking adds up keys that come faster than the player.
func TestSeekWhileSeeking(t *testing.T) {
	t.Parallel()
	d := changed(recording(), func(p *playback.State) { p.Seeking, p.Target = true, p.Begin.Add(10*time.Minute) })
	replayed(80, 24, d, fixture(), "]")
	if got := fmt.Sprint(d.calls); got != "[seek 10m18s]" {
		t.Errorf("got %s", got)
	}
}

// TestPlaybackIsFollowed: a change of speed comes with the same snapshot.
func TestPlaybackIsFollowed(t *testing.T) {
	t.Parallel()
	d, s := recording(), fixture()
	m := replayed(80, 24, d, s)
	d.playback.Speed, d.playback.Paused = 0.5, true
	give(m, s)
	if got := text(m); !strings.Contains(got, "paused  0.5x") || !strings.Contains(got, "Space play") {
		t.Errorf("got:\n%s", got)
	}
}

// TestTimelineIsFoldedOnce: a frame does not fold it again, but another width or time line does.
func TestTimelineIsFoldedOnce(t *testing.T) {
	t.Parallel()
	d, s := recording(), fixture()
	m := replayed(80, 24, d, s, "down", "p")
	drawn := &m.replay.timeline.rates[0]
	for range 10 {
		d.playback.At += 1e9
		give(m, s)
		m.View()
	}
	if &m.replay.timeline.rates[0] != drawn {
		t.Error("a frame folds it again")
	}
	m.Update(tea.WindowSizeMsg{Width: 81, Height: 30})
	if len(m.replay.timeline.rates) != 81 {
		t.Errorf("folded to %d columns", len(m.replay.timeline.rates))
	}
	d.timeline = surveyed()
	give(m, s)
	if m.replay.timeline.fills == nil {
		t.Error("the new time line is not drawn")
	}
}

// surveyed is the time line of recording() when it is known: a port space that fills up to the
// crests of the load.
func surveyed() *playback.Timeline {
	t := *playback.Roughly(recording().spans)
	t.Rough = false
	for i := range t.Stretches {
		s := &t.Stretches[i]
		s.FillKnown = !s.Damaged
		s.Fill = float64(s.Opens) / 2900
	}
	return &t
}

func TestReplayAnySize(t *testing.T) {
	t.Parallel()
	sizes := [][2]int{{0, 0}, {1, 1}, {2, 1}, {1, 5}, {10, 3}, {3, 40}, {20, 20}, {35, 14}, {36, 14}, {119, 12}, {120, 13}, {300, 100}}
	for _, tc := range slices.Concat(decks, oddDecks) {
		m := replayed(80, 24, tc.deck(), tc.of(t), tc.keys...)
		for _, size := range sizes {
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			requireFit(t, m, size[0], size[1])
			if first, second := m.View().Content, m.View().Content; first != second {
				t.Errorf("%s: drawn again it is another screen:\n%s\n%s", tc.name, first, second)
			}
		}
	}
}

// TestLowTerminals pins what a replay gives up, and when.
func TestLowTerminals(t *testing.T) {
	t.Parallel()
	for height, want := range map[int]layout{
		40: {top: 1, verdict: 7, figures: 2, strip: 3, body: 26, status: 1},
		24: {top: 1, verdict: 6, figures: 2, strip: 3, tabs: 1, body: 10, status: 1},
		20: {top: 1, verdict: 6, figures: 2, strip: 3, tabs: 1, body: 6, status: 1},
		16: {top: 1, verdict: 6, figures: 2, tabs: 1, body: 5, status: 1},
		15: {top: 1, verdict: 1, figures: 2, strip: 1, tabs: 1, body: 8, status: 1},
		12: {top: 1, verdict: 1, figures: 2, tabs: 1, body: 6, status: 1},
		8:  {top: 1, verdict: 1, tabs: 1, body: 4, status: 1},
		6:  {top: 1, tabs: 1, body: 3, status: 1},
		5:  {tabs: 1, body: 3, status: 1},
		3:  {body: 3},
		1:  {body: 1},
	} {
		m := replayed(80, height, recording(), fixture())
		want.list, want.framed = 80, height >= framedFrom
		if got := m.layout; got != want {
			t.Errorf("height %d: got %+v, want %+v", height, got, want)
		}
		requireFit(t, m, 80, height)
	}
}

// TestOddRecordings are indexes that a damaged file could have.
func TestOddRecordings(t *testing.T) {
	t.Parallel()
	times := []event.Time{math.MinInt64, -1, 0, 1, math.MaxInt64}
	for _, begin := range times {
		for _, end := range times {
			for _, at := range times {
				d := &deck{
					playback: playback.State{Begin: begin, End: end, At: at, Target: at, Seeking: at > 0, Clock: fixture().Clock, Speed: math.Inf(1)},
					spans: []event.Span{
						{Begin: at, End: end, Opens: math.MaxUint64},
						{Begin: end, End: begin, Opens: math.MaxUint64, Failures: 1},
						{Begin: begin, End: at, Damaged: true},
					},
				}
				keys := []string{"[", "]", "{", "}", ":", "50%", "enter", ":", "-1h", "enter", ":", "03:12", "enter"}
				requireFit(t, replayed(60, 20, d, fixture(), keys...), 60, 20)
			}
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	span := func(begin, end event.Time, opens, failures uint64, damaged bool) event.Span {
		return event.Span{Begin: begin, End: end, Opens: opens, Failures: failures, Damaged: damaged}
	}
	for _, tc := range []struct {
		name         string
		spans        []event.Span
		rates, marks string
	}{
		{"none", nil, "    ", "    "},
		{"one a column", []event.Span{span(0, 10, 1, 0, false), span(10, 20, 8, 0, false), span(30, 40, 4, 1, false)}, "▁█ ▄", "   !"},
		{"several a column", []event.Span{span(0, 5, 1, 0, false), span(5, 10, 1, 0, false), span(10, 20, 2, 0, false)}, "██  ", "    "},
		{"across columns", []event.Span{span(0, 20, 2, 1, false), span(20, 25, 1, 0, false)}, "███ ", "!!  "},
		{"one that takes no time", []event.Span{span(10, 10, 5, 1, false)}, " █  ", " !  "},
		{"at the end", []event.Span{span(40, 40, 5, 1, false)}, "   █", "   !"},
		{"outside", []event.Span{span(-20, -10, 8, 0, false), span(50, 60, 1, 0, false)}, "█  ▁", "    "},
		{"failures before damage", []event.Span{span(0, 5, 1, 1, false), span(5, 20, 0, 0, true)}, "█   ", "!?  "},
		{"damage before failures", []event.Span{span(0, 5, 0, 0, true), span(5, 10, 1, 1, false)}, "█   ", "!   "},
		{"the least is seen", []event.Span{span(0, 10, 1, 0, false), span(10, 20, 1e9, 0, false)}, "▁█  ", "    "},
	} {
		got := fold(playback.Roughly(tc.spans).Stretches, scale{0, 40, 4})
		marks := strings.ReplaceAll(string(got.marks), "\x00", " ")
		if rates := sparkline(got.rates, 4); rates != tc.rates || marks != tc.marks {
			t.Errorf("%s: got %q and %q, want %q and %q", tc.name, rates, marks, tc.rates, tc.marks)
		}
	}
}

// TestFoldKeepsToItsColumns: whole seconds are whole columns, whatever the time since boot.
func TestFoldKeepsToItsColumns(t *testing.T) {
	t.Parallel()
	begin := event.Time(100 * 24 * time.Hour).Add(time.Nanosecond)
	at := begin.Add(77 * time.Second)
	got := fold([]playback.Stretch{{Begin: at, End: at.Add(time.Second), Failures: 1}}, scale{begin, begin.Add(160 * time.Second), 160})
	if first := slices.Index(got.marks, failureMark); first != 77 || got.marks[76] != 0 || got.marks[78] != 0 {
		t.Errorf("got %q", string(got.marks))
	}
}

func BenchmarkReplayFrame(b *testing.B) {
	d, s := recording(), fixture()
	for range 7 {
		d.spans = append(d.spans, d.spans...)
	}
	m := replayed(160, 50, d, s)
	b.Run("frame", func(b *testing.B) {
		for b.Loop() {
			give(m, s)
			m.View()
		}
	})
	b.Run("resize", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			m.Update(tea.WindowSizeMsg{Width: 160 + i%2, Height: 50})
		}
	})
}

// A key can be pressed before there is anything to show.
func TestKeysBeforeTheFirstSnapshot(t *testing.T) {
	t.Parallel()
	keys := []string{"tab", "shift+tab", "enter", "esc", "space", "left", "right", "up", "down", "pgup", "pgdown", "home", "end"}
	for c := '!'; c <= '~'; c++ {
		keys = append(keys, string(c))
	}
	for _, player := range []Player{nil, exact.deck(0)()} {
		for _, key := range keys {
			opts := Options{Theme: theme.Default()}
			if player != nil {
				opts.Player = player
			}
			m := newModel(noContext, opts)
			press(m, key)
			m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
			press(m, key, key, "esc")
			m.View()
		}
	}
}
