package playback

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Moments are the forms of a place in a recording, by example. What + and - count from differs.
const Moments = "03:12, +1m30s, -30s, 50%, 03:12:07, RFC 3339"

var (
	// ErrMoment is for what is none of Moments.
	ErrMoment  = errors.New("takes 03:12, 03:12:07, +10s or -30s from here, 50%, RFC 3339")
	errNoClock = errors.New("takes +1m30s, -30s, 50%: it is not known what time it was")
)

// place is a time in a recording, or beside it.
type place struct {
	at     event.Time
	exact  time.Duration // how long the minute or second lasts that is meant
	anyDay bool          // a time without a date
}

// Moment reads a place in the recording as users write it: a time of day, in UTC as
// everything that is shown; RFC 3339; a time on from here, or with a minus back from here; or a
// share of the whole. The error says what it takes. What is not in the recording is refused: to go
// to its end instead would look like an answer.
func (p *State) Moment(text string) (event.Time, error) {
	at, err := p.place(text, p.Here(), p.Here())
	switch {
	case err != nil:
		return 0, err
	case !p.has(at):
		return 0, p.outside()
	}
	return max(at.at, p.Begin), nil // a minute or second that had begun before is cut
}

// place reads a place. What begins with + or - counts from one of two moments.
func (p *State) place(text string, plus, minus event.Time) (place, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasSuffix(text, "%"):
		return portion(strings.TrimSuffix(text, "%"), p)
	case strings.HasPrefix(text, "+"):
		return after(plus, text)
	case strings.HasPrefix(text, "-"):
		return after(minus, text)
	}
	return onClock(text, p)
}

func portion(text string, p *State) (place, error) {
	percent, err := strconv.ParseFloat(text, 64)
	if err != nil || !(percent >= 0 && percent <= 100) { // NaN is neither
		return place{}, ErrMoment
	}
	at := min(p.Begin.Add(time.Duration(percent/100*float64(p.End.Sub(p.Begin)))), p.End) // a float64 is rounded
	return place{at: at, exact: 1}, nil
}

func after(from event.Time, text string) (place, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return place{}, ErrMoment
	}
	return place{at: add(from, d), exact: 1}, nil
}

// add returns the moment so far away, at the limit of what a Time can be if it is beyond.
func add(t event.Time, d time.Duration) event.Time {
	switch to := t.Add(d); {
	case d > 0 && to < t:
		return math.MaxInt64
	case d < 0 && to > t:
		return math.MinInt64 + 1
	default:
		return to
	}
}

func onClock(text string, p *State) (place, error) {
	begin := p.Clock.WallTime(p.Begin)
	at, wall, err := wallTime(text, begin)
	switch {
	case err != nil:
		return place{}, err
	case begin.IsZero():
		return place{}, errNoClock
	}
	at.at = add(p.Begin, wall.Sub(begin))
	return at, nil
}

// wallTime parses a time of the wall clock and returns how exact it is. A time without a
// date is the first one that is not over when the recording begins.
func wallTime(text string, begin time.Time) (at place, wall time.Time, err error) {
	at.exact = time.Second
	if wall, err = time.Parse(time.RFC3339, text); err == nil {
		return at, wall, nil
	}
	at.anyDay = true
	if wall, err = time.Parse(time.TimeOnly, text); err != nil {
		at.exact = time.Minute
		wall, err = time.Parse("15:04", text)
	}
	if err != nil {
		return at, wall, ErrMoment
	}
	year, month, date := begin.Date()
	wall = time.Date(year, month, date, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	if !wall.Add(at.exact).After(begin) {
		wall = wall.AddDate(0, 0, 1)
	}
	return at, wall, nil
}

// isBefore reports whether a place is over when the recording begins.
func (p *State) isBefore(at place) bool { return at.at <= p.Begin.Add(-at.exact) }

// has reports whether a place is in the recording.
func (p *State) has(at place) bool { return !p.isBefore(at) && at.at <= p.End }

// Recorded says from when to when there is a recording.
func (p *State) Recorded() string {
	begin, end := p.edges()
	return fmt.Sprintf("only %s to %s is recorded", begin, end)
}

func (p *State) outside() error { return errors.New(p.Recorded()) }

// edges are when the recording begins and ends, with the days where it has several.
func (p *State) edges() (begin, end string) {
	from, to := p.Clock.WallTime(p.Begin), p.Clock.WallTime(p.End)
	if from.IsZero() {
		return "+0s", "+" + p.End.Sub(p.Begin).String()
	}
	layout := time.TimeOnly
	if from.YearDay() != to.YearDay() || from.Year() != to.Year() {
		layout = "01-02 15:04:05"
	}
	return from.Format(layout), to.Format(layout)
}
