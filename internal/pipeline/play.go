package pipeline

import (
	"context"
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// nap is the shortest sleep until a batch: what falls due meanwhile is played with it.
	nap     = time.Millisecond
	forever = time.Duration(math.MaxInt64)
)

// Run plays until the context ends, which is no error. At the end of the recording it
// waits: there is a way back.
func (p *Player) Run(ctx context.Context) error {
	timer := time.NewTimer(forever)
	defer timer.Stop()
	err := p.rewind(ctx)
	for err == nil {
		var there bool
		if there, err = p.move(ctx); err == nil {
			p.show(there)
			err = p.rest(ctx, timer, p.quiet(there))
		}
	}
	return ending(err)
}

// rest sleeps for as long as there is nothing to do, or until something is wanted.
func (p *Player) rest(ctx context.Context, timer *time.Timer, quiet time.Duration) error {
	if quiet > 0 {
		timer.Reset(quiet)
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.C:
		}
	}
	return ctx.Err()
}

// course is what leads to the goal.
type course int

const (
	goBack course = iota
	goOn
	lookAgain
	stay
)

// move brings the state nearer to the goal, by one batch at most: what is asked for
// meanwhile is not kept waiting. It reports whether it is there.
func (p *Player) move(ctx context.Context) (there bool, err error) {
	to := p.look()
	switch to {
	case goBack:
		err = p.rewind(ctx)
	case goOn:
		err = p.playNext(ctx)
	}
	return to == stay, err
}

func (p *Player) look() course {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	goal := p.goal(now)
	if goal < p.play.At {
		return goBack
	}
	if p.behind = p.reel.due(goal); p.behind {
		// It counts from now on: who pauses meanwhile does so after it.
		p.play.At = max(p.play.At, p.reel.next.Now)
		return goOn
	}
	p.arrive(goal, now)
	if p.hunting {
		p.hunt()
		return lookAgain
	}
	return stay
}

// arrive is called when nothing is due before the goal. An arrival and a rest are to be seen.
func (p *Player) arrive(goal event.Time, now time.Time) {
	p.play.At, p.play.Target, p.since = goal, goal, now
	p.changed = p.changed || p.play.Seeking || p.rests()
	p.play.Seeking = p.hunting
}

func (p *Player) rewind(ctx context.Context) error {
	err := p.reel.begin(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.play.At = p.play.Begin
	return err
}

func (p *Player) playNext(ctx context.Context) error {
	now := p.reel.next.Now
	err := p.reel.play(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hunting && p.reel.struck && now > p.from {
		p.seek(now)
	}
	return err
}

// show publishes a snapshot when one is due.
func (p *Player) show(there bool) {
	if p.showsNow(there) && p.opts.Snapshots != nil {
		publish(p.opts.Snapshots, p.reel.snapshot(p.play.At)) // Run alone writes At
	}
}

// showsNow is true for what was asked for or reached as soon as it is there, else every
// Every for as long as it moves.
func (p *Player) showsNow(there bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	moves := !there || !p.rests()
	// A batch that came in pieces is shown when it is whole.
	midst := !there && !p.reel.over && p.reel.next.Now == p.play.At
	shows := there && p.changed || moves && !midst && !now.Before(p.showAt)
	if shows {
		p.showAt = now.Add(p.opts.Every)
		p.changed = p.changed && !there
	}
	return shows
}

// quiet is for how long nothing will happen.
func (p *Player) quiet(there bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !there:
		return 0
	case p.rests():
		return forever
	}
	next := p.play.End
	if !p.reel.over {
		next = min(next, p.reel.next.Now)
	}
	wait := time.Duration(math.Ceil(float64(next-p.play.Target) / p.play.Speed))
	now := time.Now()
	return min(max(p.since.Add(wait).Sub(now), nap), p.showAt.Sub(now))
}

// rests reports whether it stays where it is when it is there.
func (p *Player) rests() bool { return p.play.Paused || p.play.Ended() }
