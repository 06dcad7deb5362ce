package tui

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/playback"
	player "github.com/porttrace/porttrace/internal/replay"
)

// surveys are the time lines of incidents so far.
var surveys sync.Map

// surveyOf is what the replay of an incident knows of it after a while.
func surveyOf(t *testing.T, name string) *playback.Timeline {
	t.Helper()
	if known, ok := surveys.Load(name); ok {
		return known.(*playback.Timeline)
	}
	played, err := recorded.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := recorded.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	p := player.NewPlayer(played, player.Options{Survey: ahead})
	p.TogglePause()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for !p.Timeline().Judged {
		if ctx.Err() != nil {
			t.Fatalf("%s: no time line after a minute", name)
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	surveys.Store(name, p.Timeline())
	return p.Timeline()
}

// deckOf is a player that stands at a moment of an incident.
func deckOf(t *testing.T, name, moment string) *deck {
	t.Helper()
	_, m, err := recorded.Find(name, moment)
	if err != nil {
		t.Fatal(err)
	}
	r, err := recorded.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := r.Span()
	return &deck{timeline: surveyOf(t, name), playback: playback.State{
		Begin: begin, End: end, At: begin.Add(m.At), Clock: r.Clock(), Speed: 1, Paused: true, Surveyed: 1,
	}}
}

// TestReplayedIncidents pins the screen of a replay that knows the whole recording.
func TestReplayedIncidents(t *testing.T) {
	for _, v := range []view{
		{name: "proxy", of: worst("proxy")},
		{name: "proxy-space", of: worst("proxy"), keys: []string{"enter"}},
	} {
		for _, size := range common {
			t.Run(fmt.Sprintf("%s-%dx%d", v.name, size.width, size.height), func(t *testing.T) {
				m := replayed(size.width, size.height, deckOf(t, "proxy", recorded.Worst), v.of(t), v.keys...)
				requireFit(t, m, size.width, size.height)
				golden.RequireEqual(t, trimmed(text(m)))
			})
		}
	}
}

// TestReplayShowsTheWhole: the curve of a space, and what happened, are of the whole recording, also
// of what is to come.
func TestReplayShowsTheWhole(t *testing.T) {
	m := replayed(200, 60, deckOf(t, "proxy", recorded.Early), incident("proxy", recorded.Early)(t))
	got := text(m)
	for _, want := range []string{"incidents of the recording", "n N next, previous", "nginx"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	space := m.selectedSpace()
	curve := curveOf(space, m.shown.Wall, m.replay, m.styles)
	live := fillCurve(space, m.shown.Wall, m.styles)
	if curve == nil || live == nil || !curve.Cursor.Equal(m.shown.Wall) || len(curve.Samples) <= len(live.Samples)/2 || !curve.Now.After(live.Now) {
		t.Errorf("curve to %v, live to %v", curve, live)
	}
}
