package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// after is the fixture so much later; its spaces have failed that many times.
func after(seconds int) *snapshot.Snapshot {
	s := fixture()
	s.At = s.At.Add(time.Duration(seconds) * time.Second)
	s.Wall = s.Wall.Add(time.Duration(seconds) * time.Second)
	s.PortSpaces[0].Exhausted = uint64(10_000 + seconds)
	return s
}

// running is a live screen that has got a snapshot a second.
func running(seconds int, keys ...string) *Model {
	m := screen(110, 40, nil)
	for i := range seconds {
		give(m, after(i))
	}
	press(m, keys...)
	return m
}

// second is which snapshot is shown.
func second(m *Model) int { return int(m.shown.PortSpaces[0].Exhausted) - 10_000 }

func TestBackInTime(t *testing.T) {
	t.Parallel()
	m := running(60)
	for _, step := range []struct {
		key  string
		want int
	}{{"[", 58}, {"[", 56}, {"{", 36}, {"]", 38}, {"}", 58}, {"[", 56}} {
		press(m, step.key)
		if second(m) != step.want || !m.paused {
			t.Errorf("%s shows second %d, want %d", step.key, second(m), step.want)
		}
		if got := text(m); !strings.Contains(got, "PAUSED, ") || !strings.Contains(got, " behind") {
			t.Errorf("%s: it is not said that this is past:\n%s", step.key, got)
		}
	}
	give(m, after(60))
	if second(m) != 56 {
		t.Errorf("a new snapshot shows second %d", second(m))
	}
	if press(m, "}"); second(m) != 60 || m.paused {
		t.Errorf("past the newest it is second %d, paused %v", second(m), m.paused)
	}
	give(m, after(61))
	if second(m) != 61 {
		t.Errorf("it does not go on: second %d", second(m))
	}
	if press(m, "]"); !strings.Contains(text(m), "this is now; [ goes back") || second(m) != 61 {
		t.Errorf("] of now:\n%s", text(m))
	}
}

// TestPauseAndBack: the key that freezes the display also brings it back to now.
func TestPauseAndBack(t *testing.T) {
	t.Parallel()
	m := running(60, "{", "space")
	if second(m) != 59 || m.paused {
		t.Errorf("second %d, paused %v", second(m), m.paused)
	}
	m = running(60, "space")
	for i := 60; i < 90; i++ {
		give(m, after(i))
	}
	if press(m, "["); second(m) != 58 {
		t.Errorf("[ from second 59, frozen, shows %d", second(m))
	}
	if press(m, "]", "]"); second(m) < 60 || second(m) > 62 {
		t.Errorf("] ] from there shows %d", second(m))
	}
}

// TestBackInAnyView: verdict, tables, details, pages of causes and the pane beside are of that moment.
func TestBackInAnyView(t *testing.T) {
	t.Parallel()
	calmBefore := screen(160, 50, nil)
	before := calm()
	before.At, before.Wall = before.At.Add(-4*time.Second), before.Wall.Add(-4*time.Second)
	give(calmBefore, before)
	give(calmBefore, fixture())
	failing := text(calmBefore)
	press(calmBefore, "[")
	got := text(calmBefore)
	if strings.Contains(got, "OUT OF PORTS") || !strings.Contains(got, "✓ OK") || !strings.Contains(failing, "OUT OF PORTS") {
		t.Errorf("the verdict is not of that moment:\n%s", got)
	}
	for _, keys := range [][]string{{"enter"}, {"w"}, {"2", "enter"}, {"e"}} {
		m := running(60, keys...)
		now := text(m)
		press(m, "{")
		then := text(m)
		press(m, "}")
		if then == now || text(m) != now {
			t.Errorf("%v: there and back again:\n%s\nwant:\n%s", keys, text(m), now)
		}
	}
}

// TestPastIsBounded by time.
func TestPastIsBounded(t *testing.T) {
	t.Parallel()
	m := running(400)
	if n := len(m.past.moments); n > int(pastFor/pastEvery)+1 || n < int(pastFor/pastEvery)-1 {
		t.Errorf("%d moments", n)
	}
	for range 100 {
		press(m, "{")
	}
	if second(m) != 98 && second(m) != 99 && second(m) != 100 {
		t.Errorf("the oldest is second %d", second(m))
	}
	if !strings.Contains(text(m), "older moments are not kept") {
		t.Errorf("it is not said that there are no older ones:\n%s", text(m))
	}
}

// TestOlderThanThePast: what is shown was forgotten meanwhile; going back must not go forward.
func TestOlderThanThePast(t *testing.T) {
	t.Parallel()
	m := running(10, "{")
	shown := second(m)
	for i := 10; i < 400; i++ {
		give(m, after(i))
	}
	if press(m, "["); second(m) != shown || !strings.Contains(text(m), "older moments are not kept") {
		t.Errorf("[ from second %d shows %d:\n%s", shown, second(m), text(m))
	}
	if press(m, "]"); second(m) < 98 || !m.paused {
		t.Errorf("] shows second %d", second(m))
	}
}

// TestPastIsBoundedByBytes: of a host with very many rows fewer moments are kept, mostly new ones.
func TestPastIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	var p past
	large := func(rows int, at time.Duration) moment {
		return moment{snapshot: &snapshot.Snapshot{
			At: fixture().At.Add(at), Processes: make([]snapshot.Process, rows), PortSpaces: make([]snapshot.PortSpace, rows/2),
		}}
	}
	one := large(750, 0).snapshot.Bytes()
	for i := range 100 {
		p.keep(large(750, time.Duration(i)*pastEvery))
		if p.bytes != one*len(p.moments) {
			t.Fatalf("%d bytes of %d moments of %d", p.bytes, len(p.moments), one)
		}
	}
	if len(p.moments) != pastBytes/one {
		t.Errorf("%d moments of %d bytes", len(p.moments), one)
	}
	var ages []time.Duration
	for _, m := range p.moments {
		ages = append(ages, fixture().At.Add(99*pastEvery).Sub(m.snapshot.At))
	}
	if ages[0] < pastFor/2 || ages[len(ages)/2] > pastFor/4 || ages[len(ages)-2] > 2*pastEvery {
		t.Errorf("moments of %s", ages)
	}
	// One alone is kept however large it is.
	huge := large(100_000, time.Hour)
	p.keep(huge)
	if len(p.moments) != 1 || p.bytes != huge.snapshot.Bytes() {
		t.Errorf("%d moments with %d bytes", len(p.moments), p.bytes)
	}
}

// TestNoPast: before the first snapshot, and with only one.
func TestNoPast(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"[", "]", "{", "}"} {
		m := screen(80, 24, nil, key)
		if m.paused {
			t.Errorf("%s pauses before there is anything", key)
		}
		give(m, fixture())
		press(m, key)
		if m.shown != m.latest || m.paused && key == "]" {
			t.Errorf("%s: shown %v, paused %v", key, m.shown.Wall, m.paused)
		}
		requireFit(t, m, 80, 24)
	}
}

// TestPastScreen pins the screen of a moment before, while the incident goes on.
func TestPastScreen(t *testing.T) {
	for _, size := range common[:2] {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			m := screen(size.width, size.height, early("proxy")(t))
			give(m, worst("proxy")(t))
			press(m, "[")
			requireFit(t, m, size.width, size.height)
			golden.RequireEqual(t, trimmed(text(m)))
		})
	}
}
