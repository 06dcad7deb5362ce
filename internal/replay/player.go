// Package replay plays recordings: at the speed at which they happened or another, from and
// to any moment, with the same snapshots as live.
package replay

import (
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	minSpeed = 0.1
	maxSpeed = 1000
	// stepLength is what Step plays. No figure on the screen is of less than a second.
	stepLength = time.Second
)

// Options of a Player. All are optional.
type Options struct {
	Filter *filter.Filter
	// Snapshots, Every and Focus are those of pipeline.Options.
	Snapshots chan *snapshot.Snapshot
	Every     time.Duration
	Focus     *snapshot.Focus
	// Survey is a second reader of the same recording: beside the player it goes through the whole
	// of it, for a Timeline that is not Rough, and for states from which to go back quickly.
	Survey Recording
}

// Player replays a recording: what it publishes at a moment of the stream is what a live run
// published then, wherever the player was before. Run does the work; the other methods only
// request something. They return at once and may be called from any goroutine, before and
// after Run too.
type Player struct {
	opts   Options
	pieces []event.Span
	kept   checkpoints
	wake   chan struct{} // has room for one

	mu       sync.Mutex
	timeline *playback.Timeline
	play     playback.State // Target is in use while it plays, too: see goal
	since    time.Time      // when it stood at Target, while it plays
	behind   bool           // something is due that has not been played
	changed  bool           // the screen does not show yet what was requested or reached
	showAt   time.Time      // when the next snapshot of what moves is published

	seekingFailure bool // Seeking, for the first failure after from
	from           event.Time
	origin         event.Time // where it stood before, and stands again if there is none

	cursor cursor // Run's alone, as writing At is
}

// NewPlayer returns a player that plays from the beginning as soon as it runs.
func NewPlayer(rec Recording, opts Options) *Player {
	p := &Player{
		opts:   opts,
		pieces: rec.Timeline(),
		wake:   make(chan struct{}, 1),
		// It is on the way to the beginning until Run has read that.
		play: playback.State{Clock: rec.Clock(), Speed: 1, Seeking: true},
	}
	p.opts.Every = max(opts.Every, minSleep)
	p.timeline = playback.Roughly(p.pieces)
	if n := len(p.pieces); n > 0 {
		p.play.Begin, p.play.End = p.pieces[0].Begin, p.pieces[n-1].End
	}
	p.play.At, p.play.Target = p.play.Begin, p.play.Begin
	p.cursor = cursor{rec: rec, filter: opts.Filter, end: p.play.End}
	return p
}

// Playback returns where it stands now.
func (p *Player) Playback() playback.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.play
}

// Timeline returns what happened in the recording when, as far as that is known by now.
func (p *Player) Timeline() *playback.Timeline {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.timeline
}

// TogglePause halts or goes on. On the way to somewhere, it does so there.
func (p *Player) TogglePause() {
	p.request(func() { p.play.Paused = !p.play.Paused })
}

// SetSpeed sets how many times as fast as it happened it plays, from 0.1 to 1000.
func (p *Player) SetSpeed(times float64) {
	speed := minSpeed
	if times > minSpeed { // NaN is not
		speed = min(times, maxSpeed)
	}
	p.request(func() { p.play.Speed = speed })
}

// Seek goes to a moment of the stream, as fast as it can be read, and plays on from
// there unless it is paused.
func (p *Player) Seek(to event.Time) {
	p.request(func() { p.seek(to) })
}

// Step goes on by one second of the stream and pauses there. Steps that are requested
// on the way add up.
func (p *Player) Step() { p.step(stepLength) }

// StepBack goes back by as much and pauses there.
func (p *Player) StepBack() { p.step(-stepLength) }

func (p *Player) step(by time.Duration) {
	p.request(func() { p.pauseAt(p.here().Add(by)) })
}

// here returns the moment from which a request goes on.
func (p *Player) here() event.Time {
	if p.seekingFailure {
		return p.origin
	}
	return p.play.Target
}

func (p *Player) pauseAt(at event.Time) {
	p.seek(at)
	p.play.Paused = true
}

// Show publishes the snapshot of where it stands again, as the Focus has changed.
func (p *Player) Show() { p.request(func() {}) }

// request changes what Run does next and wakes it.
func (p *Player) request(change func()) {
	p.mu.Lock()
	p.settle()
	change()
	p.changed = true
	p.mu.Unlock()
	p.rouse()
}

// rouse wakes Run.
func (p *Player) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Player) seek(to event.Time) {
	if !p.play.Seeking {
		// On a short way nothing is shown of what lies there.
		p.showAt = p.since.Add(p.opts.Every)
	}
	p.play.Target = min(max(to, p.play.Begin), p.play.End)
	p.play.Seeking, p.seekingFailure = true, false
}

// goal returns where it should stand now.
func (p *Player) goal(now time.Time) event.Time {
	if p.play.Paused || p.play.Seeking {
		return p.play.Target
	}
	// More has passed only when the process was stopped or cannot play that fast. It
	// does not make up for either.
	passed := min(now.Sub(p.since), 2*p.opts.Every)
	played := time.Duration(float64(passed) * p.play.Speed)
	return min(p.play.Target.Add(played), p.play.End)
}

// settle makes Target where it stands, so that what has passed remains as it was when
// the speed changes. What is overdue is left out: a pause is to be one at once.
func (p *Player) settle() {
	now := time.Now()
	if p.behind && !p.play.Seeking {
		p.play.Target = p.play.At
	} else {
		p.play.Target = p.goal(now)
	}
	p.since = now
}
