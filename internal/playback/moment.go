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

// Moment reads a place in the recording as users write it: a time of day, in UTC as
// everything that is shown; RFC 3339; a time on from here, or with a minus back from here; or a
// share of the whole. The error says what it takes.
func (p *State) Moment(text string) (event.Time, error) {
	return p.moment(text, p.Here(), p.Here())
}

// Bound is the same for a bound of what is read of a recording: a time after the beginning, or
// with a minus before the end.
func (p *State) Bound(text string) (event.Time, error) {
	return p.moment(text, p.Begin, p.End)
}

func (p *State) moment(text string, plus, minus event.Time) (event.Time, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasSuffix(text, "%"):
		return portion(strings.TrimSuffix(text, "%"), p)
	case strings.HasPrefix(text, "+"):
		return after(plus, text, p)
	case strings.HasPrefix(text, "-"):
		return after(minus, text, p)
	}
	return onClock(text, p)
}

func portion(text string, p *State) (event.Time, error) {
	percent, err := strconv.ParseFloat(text, 64)
	if err != nil || !(percent >= 0 && percent <= 100) { // NaN is neither
		return 0, ErrMoment
	}
	return min(p.Begin.Add(time.Duration(percent/100*float64(p.End.Sub(p.Begin)))), p.End), nil // a float64 is rounded
}

func after(from event.Time, text string, p *State) (event.Time, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, ErrMoment
	}
	return within(add(from, d), 1, p)
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

func onClock(text string, p *State) (event.Time, error) {
	begin := p.Clock.WallTime(p.Begin)
	at, exact, err := wallTime(text, begin)
	switch {
	case err != nil:
		return 0, err
	case begin.IsZero():
		return 0, errNoClock
	}
	return within(p.Begin.Add(at.Sub(begin)), exact, p)
}

// wallTime parses a time of the wall clock and returns how exact it is. A time without a
// date is the first one that is not over when the recording begins.
func wallTime(text string, begin time.Time) (at time.Time, exact time.Duration, err error) {
	if at, err = time.Parse(time.RFC3339, text); err == nil {
		return at, time.Second, nil
	}
	exact = time.Second
	if at, err = time.Parse(time.TimeOnly, text); err != nil {
		exact = time.Minute
		at, err = time.Parse("15:04", text)
	}
	if err != nil {
		return at, exact, ErrMoment
	}
	year, month, day := begin.Date()
	at = time.Date(year, month, day, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	if !at.Add(exact).After(begin) {
		at = at.AddDate(0, 0, 1)
	}
	return at, exact, nil
}

// within refuses what is not in the recording: to go to its end instead would look
// like an answer. A minute or second that had begun before is cut.
func within(at event.Time, exact time.Duration, p *State) (event.Time, error) {
	if at.Add(exact) <= p.Begin || at > p.End {
		begin, end := p.edges()
		return 0, fmt.Errorf("only %s to %s is recorded", begin, end)
	}
	return max(at, p.Begin), nil
}

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
