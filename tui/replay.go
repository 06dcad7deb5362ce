package tui

import (
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/playback"
)

// replay is the state of the screen that only a recording needs.
type replay struct {
	player   Player
	playback playback.State // as of the last message
	whole    *playback.Timeline
	scale    scale
	timeline timeline // whole, drawn to the scale
}

// update reads the position of the replay. It folds the time line again only for another
// width, or when more is known.
func (r *replay) update(width int) {
	r.playback = r.player.Playback()
	to, whole := scale{r.playback.Begin, r.playback.End, width}, r.player.Timeline()
	if to != r.scale || whole != r.whole {
		r.scale, r.whole, r.timeline = to, whole, fold(whole.Stretches, to)
	}
}

// press handles a key that controls the replay, and reports whether it was one.
func (r *replay) press(k *keyMap, msg tea.KeyPressMsg) bool {
	switch {
	case key.Matches(msg, k.play):
		r.player.TogglePause()
	case key.Matches(msg, k.step):
		r.player.Step()
	case key.Matches(msg, k.stepBack):
		r.player.StepBack()
	case key.Matches(msg, k.faster):
		r.player.SetSpeed(faster(r.playback.Speed))
	case key.Matches(msg, k.slower):
		r.player.SetSpeed(slower(r.playback.Speed))
	case key.Matches(msg, k.backward):
		r.seek(-1)
	case key.Matches(msg, k.forward):
		r.seek(1)
	case key.Matches(msg, k.farBackward):
		r.seek(-10)
	case key.Matches(msg, k.farForward):
		r.seek(10)
	default:
		return false
	}
	return true
}

// seek moves by a part of the recording, from the target of a seek that is under way.
func (r *replay) seek(percent time.Duration) {
	p := &r.playback
	r.player.Seek(p.Here().Add(p.End.Sub(p.Begin) / 100 * percent))
}

// speeds are the steps from one speed to the next.
var speeds = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}

func faster(than float64) float64 {
	for _, s := range speeds {
		if s > than {
			return s
		}
	}
	return speeds[len(speeds)-1]
}

func slower(than float64) float64 {
	for _, s := range slices.Backward(speeds) {
		if s < than {
			return s
		}
	}
	return speeds[0]
}
