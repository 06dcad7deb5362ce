package playback

import (
	"errors"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Part is a part of a recording. 0 is no bound.
type Part struct {
	From, To event.Time
	Short    bool // a bound is outside of what is recorded
}

// ErrBackwards is for a part that ends before it begins.
var ErrBackwards = errors.New("the end is before the beginning")

// Bound is one end of a part, wherever it is; the zero value is none.
type Bound struct {
	place
	given bool
}

const day = 24 * time.Hour

// Bound reads a bound of what is read of a recording, in the forms of Moment, but that + is a time after the beginning,
// and - one before the end. A time without a date that is not in the recording is of the day of its beginning or its
// end, whichever is nearer. An empty text is no bound.
func (p *State) Bound(text string) (Bound, error) {
	if text == "" {
		return Bound{}, nil
	}
	at, err := p.place(text, p.Begin, p.End)
	if err == nil && at.anyDay && !p.has(at) {
		at = p.nearer(at)
	}
	return Bound{at, true}, err
}

// nearer takes a time of day that is over at the end of the recording to the day of the beginning, if it was before it
// on that day, and not nearer to the end.
func (p *State) nearer(at place) place {
	before := place{at.at.Add(-day), at.exact, true}
	if p.sameDay(before.at, p.Begin) && (!p.sameDay(at.at, p.End) || p.Begin.Sub(before.at) < at.at.Sub(p.End)) {
		return before
	}
	return at
}

func (p *State) sameDay(a, b event.Time) bool {
	x, y := p.Clock.WallTime(a), p.Clock.WallTime(b)
	return x.YearDay() == y.YearDay() && x.Year() == y.Year()
}

// following takes a time of day that is before the beginning of a part to the next day, as midnight after 23:00; but
// not out of the recording, where it is more likely a mistake.
func (p *State) following(from, to Bound) Bound {
	next := to
	next.at = add(to.at, day)
	if from.given && to.anyDay && to.at < from.at && (p.has(next.place) || !p.has(to.place)) {
		return next
	}
	return to
}

// Between returns what two bounds choose, as far as it is recorded. It is an error if nothing of it is.
func (p *State) Between(from, to Bound) (part Part, err error) {
	to = p.following(from, to)
	switch {
	case from.given && to.given && to.at < from.at:
		return part, ErrBackwards
	case from.given && from.at > p.End, to.given && p.isBefore(to.place):
		return part, p.outside()
	}
	part.From, part.To = max(from.at, p.Begin), to.at
	if !from.given || p.isBefore(from.place) {
		part.From, part.Short = 0, from.given
	}
	if to.given && to.at > p.End {
		part.To, part.Short = 0, true
	}
	return part, nil
}
