package replay

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

const (
	// minSleep is the shortest sleep until a batch: what falls due meanwhile is played with it.
	minSleep = time.Millisecond
	forever  = time.Duration(math.MaxInt64)
)

// Run plays until the context ends, which is no error. At the end of the recording it
// waits: there is a way back.
func (p *Player) Run(ctx context.Context) error {
	timer := time.NewTimer(forever)
	defer timer.Stop()
	surveying, cancel := context.WithCancel(ctx)
	var survey sync.WaitGroup
	defer survey.Wait()
	defer cancel()
	surveyed := p.opts.Survey == nil
	err := p.rewind(ctx)
	for err == nil {
		var there bool
		if there, err = p.move(ctx); err == nil {
			p.show(there)
			if there && !surveyed { // the first snapshot does not wait for it
				surveyed = true
				survey.Go(func() { p.survey(surveying) })
			}
			err = p.sleep(ctx, timer, p.idleFor(there))
		}
	}
	if errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// sleep waits for as long as there is nothing to do, or until something is requested.
func (p *Player) sleep(ctx context.Context, timer *time.Timer, d time.Duration) error {
	if d > 0 {
		timer.Reset(d)
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.C:
		}
	}
	return ctx.Err()
}

// step is what leads to the goal.
type step int

const (
	startOver step = iota
	jump           // to the checkpoint
	playNext
	checkAgain
	stay
)

// move brings the state nearer to the goal, by one batch at most: what is requested
// meanwhile is not kept waiting. It reports whether it is there.
func (p *Player) move(ctx context.Context) (there bool, err error) {
	next, checkpoint := p.nextStep()
	switch next {
	case startOver:
		err = p.rewind(ctx)
	case jump:
		err = p.jump(ctx, checkpoint)
	case playNext:
		err = p.playBatch(ctx)
	}
	return next == stay, err
}

func (p *Player) nextStep() (step, *checkpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	goal := p.goal(now)
	if goal < p.play.At || p.play.Seeking && !p.seekingFailure {
		from := p.kept.before(goal)
		switch {
		case from != nil && (goal < p.play.At || from.at > p.play.At):
			return jump, from
		case goal < p.play.At:
			return startOver, nil
		}
	}
	if p.behind = p.cursor.due(goal); p.behind {
		// It counts from now on: a pause meanwhile comes after it.
		p.play.At = max(p.play.At, p.cursor.next.Now)
		return playNext, nil
	}
	p.arrive(goal, now)
	if p.seekingFailure {
		p.seekFailure()
		return checkAgain, nil
	}
	return stay, nil
}

// arrive is called when nothing is due before the goal. An arrival and a rest must be shown.
func (p *Player) arrive(goal event.Time, now time.Time) {
	p.play.At, p.play.Target, p.since = goal, goal, now
	p.changed = p.changed || p.play.Seeking || p.rests()
	p.play.Seeking = p.seekingFailure
}

func (p *Player) rewind(ctx context.Context) error {
	err := p.cursor.rewind(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.play.At = p.play.Begin
	return err
}

func (p *Player) jump(ctx context.Context, to *checkpoint) error {
	err := p.cursor.goTo(ctx, to)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.play.At = to.at
	return err
}

func (p *Player) playBatch(ctx context.Context) error {
	now := p.cursor.next.Now
	err := p.cursor.play(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seekingFailure && p.cursor.hasFailure && now > p.from {
		p.seek(now)
	}
	return err
}

// showShare is the share of the time that snapshots of what moves may take, as 1/showShare: on a
// busy machine one can take longer than Every, and a seek would be made of little else.
const showShare = 5

// show publishes a snapshot when one is due.
func (p *Player) show(there bool) {
	if !p.showsNow(there) || p.opts.Snapshots == nil {
		return
	}
	began := time.Now()
	pipeline.Publish(p.opts.Snapshots, p.cursor.snapshot(p.play.At, p.opts.Focus.IDs()...)) // Run alone writes At
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.showAt = now.Add(max(p.opts.Every-now.Sub(began), (showShare-1)*now.Sub(began)))
}

// showsNow reports whether a snapshot is due: as soon as what was requested is reached, else
// every Every while it moves.
func (p *Player) showsNow(there bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	moves := !there || !p.rests()
	// A batch that came in pieces is shown when it is whole.
	midst := !there && !p.cursor.over && p.cursor.next.Now == p.play.At
	shows := there && p.changed || moves && !midst && !now.Before(p.showAt)
	if shows {
		p.showAt = now.Add(p.opts.Every)
		p.changed = p.changed && !there
	}
	return shows
}

// idleFor returns for how long nothing will happen.
func (p *Player) idleFor(there bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !there:
		return 0
	case p.rests():
		return forever
	}
	next := p.play.End
	if !p.cursor.over {
		next = min(next, p.cursor.next.Now)
	}
	wait := time.Duration(math.Ceil(float64(next-p.play.Target) / p.play.Speed))
	now := time.Now()
	return min(max(p.since.Add(wait).Sub(now), minSleep), p.showAt.Sub(now))
}

// rests reports whether it stays where it is when it is there.
func (p *Player) rests() bool { return p.play.Paused || p.play.Ended() }
