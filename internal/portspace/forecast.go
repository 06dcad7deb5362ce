package portspace

import (
	"fmt"
	"math"
	"time"
)

// Load is what a forecast goes by: the state of a space and how it is used.
type Load struct {
	Capacity int
	Counts   Counts
	Reusable int

	Rate      float64       // opens per second
	RateError float64       // standard error of Rate, per second
	Leak      float64       // share of them that stay open, where others have ended
	BoundRate float64       // ports per second that a bind() takes, too
	Lifetime  time.Duration // mean of the connections that end; meaningless where none has
	Ended     uint64        // how many did
	Ending    int           // how many of those that live will: the others stay
	TimeWait  float64       // share of those that left their TIME_WAIT bucket here

	BucketLife time.Duration // how long a bucket takes the port away
	// Ends[i] is how many of the buckets that there are end between i and i+1 seconds
	// from now.
	Ends []int
}

// Forecast is when the space will be full.
type Forecast struct {
	Known     bool
	Never     bool
	ETA       time.Duration
	Low, High time.Duration // High < 0: never
	Model     string
}

// never is beyond what is told: a month of steady growth says nothing.
const never = 30 * 24 * time.Hour

// Held is the mean time for which an open takes its port: the connection's lifetime and,
// where this end closes first, the TIME_WAIT behind it. 0 where nothing has ended yet.
func (l *Load) Held() time.Duration {
	if l.Ended == 0 {
		return 0
	}
	return l.Lifetime + time.Duration(l.TimeWait*float64(l.BucketLife))
}

// Sustainable is the rate of opens per second that the space can serve for ever, 0 where
// it is not known, or none is: some stay open.
func (l *Load) Sustainable() float64 {
	held := l.Held().Seconds()
	if held <= 0 || l.Leak > 0 {
		return 0
	}
	return float64(max(l.Capacity-l.Counts.Bound, 0)) / held
}

// Forecast follows the ports in use second by second: opens take them at the rate of now,
// connections end by their mean lifetime or stay, and buckets that are there end when their
// timers do. The interval comes of the rate's own error.
func (l *Load) Forecast() Forecast {
	if l.Capacity <= 0 {
		return Forecast{}
	}
	if l.Capacity-l.Counts.InUse()+l.Reusable <= 0 {
		return Forecast{Known: true, Model: "no port is left"}
	}
	f := Forecast{Known: true, Model: l.model()}
	eta, ok := l.fullAfter(l.Rate)
	if !ok {
		f.Never, f.High = true, -1
		f.Low = -1
		if low, ok := l.fullAfter(l.Rate + 2*l.RateError); ok {
			f.Low = low
		}
		return f
	}
	f.ETA, f.Low, f.High = eta, eta, -1
	if low, ok := l.fullAfter(l.Rate + 2*l.RateError); ok {
		f.Low = low
	}
	if high, ok := l.fullAfter(l.Rate - 2*l.RateError); ok {
		f.High = high
	}
	return f
}

func (l *Load) model() string {
	text := fmt.Sprintf("%.1f opens/s go on, ", l.Rate)
	switch {
	case l.Ended == 0:
		text += "and none ends, as none has so far"
	case l.Leak > 0:
		text += fmt.Sprintf("%.0f %% of them stay open, as they have so far, the others have their port for ", 100*l.Leak)
	default:
		text += "each with its port for "
	}
	if l.Ended > 0 {
		text += fmt.Sprintf("%.1f s (%.1f s open, %.0f %% leave %.1f s of TIME_WAIT)",
			l.Held().Seconds(), l.Lifetime.Seconds(), 100*l.TimeWait, l.BucketLife.Seconds())
	}
	if l.BoundRate > 0 {
		text += fmt.Sprintf("; bind() takes %.1f ports/s more", l.BoundRate)
	}
	return text
}

const (
	step = 0.25 // seconds, of the model
	// maxSteps bounds the work for long lifetimes; what comes later follows a formula.
	maxSteps = 4096
)

// fullAfter is the time until no port is left, false where that does not come.
func (l *Load) fullAfter(rate float64) (time.Duration, bool) {
	rate = max(rate, 0)
	if rate+l.BoundRate <= 0 {
		return 0, false
	}
	var (
		room    = float64(l.Capacity - l.Counts.Bound)
		ending  = float64(min(l.Ending, l.Counts.Live))
		staying = float64(l.Counts.Live) - ending
		bucket  = float64(l.Counts.TimeWait - l.Reusable)
		delay   = int(math.Ceil(l.BucketLife.Seconds() / step))
		steps   = int(min((3*l.BucketLife.Seconds()+10*l.Lifetime.Seconds()+60)/step, maxSteps))
		made    = make([]float64, steps) // buckets in each step
		used    = float64(l.Counts.Live) + bucket
	)
	for i := range steps {
		before := used
		ending, made[i] = l.step(rate*(1-l.Leak), ending)
		staying += (rate*l.Leak + l.BoundRate) * step
		bucket += made[i] - l.expiring(i)
		if i >= delay {
			bucket -= made[i-delay]
		}
		if used = ending + staying + max(bucket, 0); used >= room {
			share := 1.0
			if used > before {
				share = (room - before) / (used - before)
			}
			return seconds((float64(i) + share) * step), true
		}
	}
	return l.beyond(rate, used, staying, room, float64(steps)*step)
}

// step moves those connections on that end: they open at the rate, and end at random after
// their mean lifetime. It returns how many there are then, and the buckets that were left.
func (l *Load) step(rate, ending float64) (then, buckets float64) {
	if l.Ended == 0 {
		return ending + rate*step, 0
	}
	life := max(l.Lifetime.Seconds(), 1e-6)
	stay := math.Exp(-step / life)
	then = ending*stay + rate*life*(1-stay)
	return then, (ending + rate*step - then) * l.TimeWait
}

// beyond goes on where buckets are made as fast as they end. What grows is the number of
// connections, without end or towards where as many end as open.
func (l *Load) beyond(rate, used, staying, room, after float64) (time.Duration, bool) {
	var more float64
	switch grows := rate*l.Leak + l.BoundRate; {
	case l.Ended == 0:
		more = (room - used) / (rate + l.BoundRate)
	case grows > 0:
		more = (room - used) / grows
	default:
		settles := staying + rate*l.Held().Seconds()
		if settles <= room {
			return 0, false
		}
		more = l.Lifetime.Seconds() * math.Log(max(settles-used, 0)/(settles-room))
	}
	if after+more > never.Seconds() {
		return 0, false
	}
	return seconds(after + max(more, 0)), true
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// expiring is how many of the buckets that there are end in a step.
func (l *Load) expiring(i int) float64 {
	second := int(float64(i) * step)
	if second >= len(l.Ends) {
		return 0
	}
	return float64(l.Ends[second]) * step
}
