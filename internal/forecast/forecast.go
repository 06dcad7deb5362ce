// Package forecast computes when a port space will be full, and what rate it can sustain,
// from its occupancy and from how its connections come and end. It holds the arithmetic
// (Inputs) and the statistics that feed it (Usage), and knows no clock and no table.
package forecast

import (
	"fmt"
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Inputs are what a forecast is computed from: the state of a space and how it is used.
type Inputs struct {
	event.Occupancy

	Rate          float64       // opens per second
	RateError     float64       // standard error of Rate, per second
	LeakShare     float64       // of opens: they stay open, while others have ended
	BoundRate     float64       // ports per second that a bind() takes, too
	Lifetime      time.Duration // mean of the connections that end; meaningless if none has
	Closed        uint64        // how many did
	Draining      int           // how many of Live will end: the others stay
	TimeWaitShare float64       // of those that ended: they left their TIME_WAIT bucket here

	BucketLife time.Duration // how long a bucket takes the port away
	// Expiring[i] is how many of the existing buckets expire between i and i+1 seconds from
	// now.
	Expiring []int
}

// never is beyond what is reported: a month of steady growth says nothing.
const never = 30 * 24 * time.Hour

// Held returns the mean time for which an open takes its port: the connection's lifetime and,
// where this end closes first, the TIME_WAIT behind it. 0 if nothing has ended yet.
func (in *Inputs) Held() time.Duration {
	if in.Closed == 0 {
		return 0
	}
	return in.Lifetime + time.Duration(in.TimeWaitShare*float64(in.BucketLife))
}

// Sustainable returns the opens per second that the space can serve indefinitely, 0 if it is
// not known, or if no rate is: some stay open.
func (in *Inputs) Sustainable() float64 {
	held := in.Held().Seconds()
	if held <= 0 || in.LeakShare > 0 {
		return 0
	}
	return float64(max(in.Capacity-in.Bound, 0)) / held
}

// Forecast follows the ports in use second by second: opens take them at the rate of now,
// connections end by their mean lifetime or stay, and existing buckets expire when their
// timers do. The interval comes from the rate's own error.
func (in *Inputs) Forecast() snapshot.Forecast {
	if in.Capacity <= 0 {
		return snapshot.Forecast{}
	}
	if in.IsFull() {
		return snapshot.Forecast{Known: true, Model: "no port is left"}
	}
	f := snapshot.Forecast{Known: true, Model: in.model()}
	eta, ok := in.fullAfter(in.Rate)
	if !ok {
		f.Never, f.High = true, -1
		f.Low = -1
		if low, ok := in.fullAfter(in.Rate + 2*in.RateError); ok {
			f.Low = low
		}
		return f
	}
	f.ETA, f.Low, f.High = eta, eta, -1
	if low, ok := in.fullAfter(in.Rate + 2*in.RateError); ok {
		f.Low = low
	}
	if high, ok := in.fullAfter(in.Rate - 2*in.RateError); ok {
		f.High = high
	}
	return f
}

func (in *Inputs) model() string {
	text := fmt.Sprintf("%.1f opens/s go on, ", in.Rate)
	switch {
	case in.Closed == 0:
		text += "and none ends, as none has so far"
	case in.LeakShare > 0:
		text += fmt.Sprintf("%.0f %% of them stay open, as they have so far, the others have their port for ", 100*in.LeakShare)
	default:
		text += "each with its port for "
	}
	if in.Closed > 0 {
		text += fmt.Sprintf("%.1f s (%.1f s open, %.0f %% leave %.1f s of TIME_WAIT)",
			in.Held().Seconds(), in.Lifetime.Seconds(), 100*in.TimeWaitShare, in.BucketLife.Seconds())
	}
	if in.BoundRate > 0 {
		text += fmt.Sprintf("; bind() takes %.1f ports/s more", in.BoundRate)
	}
	return text
}

const (
	step = 0.25 // seconds, of the model
	// maxSteps bounds the work for long lifetimes; what comes later follows a formula.
	maxSteps = 4096
)

// fullAfter returns the time until no port is left, false if that does not come.
func (in *Inputs) fullAfter(rate float64) (time.Duration, bool) {
	rate = max(rate, 0)
	if rate+in.BoundRate <= 0 {
		return 0, false
	}
	var (
		room    = float64(in.Capacity - in.Bound)
		ending  = float64(min(in.Draining, in.Live))
		staying = float64(in.Live) - ending
		bucket  = float64(in.TimeWait - in.Reusable)
		delay   = int(math.Ceil(in.BucketLife.Seconds() / step))
		steps   = int(min((3*in.BucketLife.Seconds()+10*in.Lifetime.Seconds()+60)/step, maxSteps))
		made    = make([]float64, steps) // buckets in each step
		used    = float64(in.Live) + bucket
	)
	for i := range steps {
		before := used
		ending, made[i] = in.step(rate*(1-in.LeakShare), ending)
		staying += (rate*in.LeakShare + in.BoundRate) * step
		bucket += made[i] - in.expiring(i)
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
	return in.beyond(rate, used, staying, room, float64(steps)*step)
}

// step moves those connections on that end: they open at the rate, and end at random after
// their mean lifetime. It returns how many there are then, and the buckets that were left.
func (in *Inputs) step(rate, ending float64) (then, buckets float64) {
	if in.Closed == 0 {
		return ending + rate*step, 0
	}
	life := max(in.Lifetime.Seconds(), 1e-6)
	stay := math.Exp(-step / life)
	then = ending*stay + rate*life*(1-stay)
	return then, (ending + rate*step - then) * in.TimeWaitShare
}

// beyond goes on when buckets are made as fast as they expire. What grows is the number of
// connections, without end or towards where as many end as open.
func (in *Inputs) beyond(rate, used, staying, room, after float64) (time.Duration, bool) {
	var more float64
	switch grows := rate*in.LeakShare + in.BoundRate; {
	case in.Closed == 0:
		more = (room - used) / (rate + in.BoundRate)
	case grows > 0:
		more = (room - used) / grows
	default:
		settles := staying + rate*in.Held().Seconds()
		if settles <= room {
			return 0, false
		}
		more = in.Lifetime.Seconds() * math.Log(max(settles-used, 0)/(settles-room))
	}
	if after+more > never.Seconds() {
		return 0, false
	}
	return seconds(after + max(more, 0)), true
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// expiring returns how many of the existing buckets expire in a step.
func (in *Inputs) expiring(i int) float64 {
	second := int(float64(i) * step)
	if second >= len(in.Expiring) {
		return 0
	}
	return float64(in.Expiring[second]) * step
}
