package tui

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
)

// TestRandomWalk goes through the screen with keys, mouse, sizes and snapshots at random, the same
// ones each time. PORTTRACE_WALK is another number of steps, to search for longer.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	steps, seed := 600, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("PORTTRACE_WALK")); err == nil {
		steps, seed = n, rand.Uint64()
	}
	keys := []string{
		"up", "down", "pgup", "pgdown", "home", "end", "tab", "shift+tab", "1", "2", "3", "4", "5", "enter", "enter", "enter", "esc", "s", "o", "r", ">",
		"<", "g", "a", "f", "/", ":", "p", "[", "]", "{", "}", "?", "x", "X", "w", "e", "c", "m", "y", "R", "backspace", "ctrl+w", "ctrl+u", "left", "right",
		"port:80", "!10.", ">5%", "/(/", "group unit", "theme mono", "column KIND", "sort FULL", "space 10.0.0.9:5432", "+30s", "n", "N", ".", ",", "+",
	}
	snapshots := []moment{}
	for _, s := range []source{made(empty), made(fixture), made(hostile), made(rangeless), made(censusOnly), worst("proxy"), early("billing"), worst("sync"), worst("prices"), worst("web"), worst("notify")} {
		s := s(t)
		snapshots = append(snapshots, moment{s, judge(s)})
	}
	sizes := []size{{80, 24}, {120, 40}, {200, 60}, {20, 8}, {100, 30}, {1, 1}, {119, 16}, {160, 26}}
	r := rand.New(rand.NewPCG(seed, 2))
	for _, m := range []*Model{screen(80, 24, nil), replayed(80, 24, deckOf(t, "proxy", recorded.Worst), nil)} {
		for step := range steps {
			switch n := r.IntN(20); n {
			case 0:
				to := sizes[r.IntN(len(sizes))]
				m.Update(tea.WindowSizeMsg{Width: to.width, Height: to.height})
			case 1, 2:
				m.Update(snapshotMsg(snapshots[r.IntN(len(snapshots))]))
			case 3, 4:
				m.Update(tea.MouseClickMsg{X: r.IntN(m.width + 1), Y: r.IntN(m.height + 1), Button: tea.MouseLeft})
			case 5:
				m.Update(tea.MouseWheelMsg{X: 1, Y: 1, Button: []tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown}[r.IntN(2)]})
			case 6:
				m.Update(tea.PasteMsg{Content: evil})
			default:
				press(m, keys[r.IntN(len(keys))])
			}
			requireFit(t, m, m.width, m.height)
			requireInert(t, m, "step "+strconv.Itoa(step))
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}
