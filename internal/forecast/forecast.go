// Package forecast computes when a port space will be full, and what rate it can sustain,
// from its occupancy and from how its connections come and end. It holds the arithmetic
// (Inputs, model) and the statistics that feed it (Usage), and knows no clock and no table.
package forecast

import (
	"fmt"
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Load is how connections of one kind come and end, and which ports they hold now.
type Load struct {
	Rate              float64       // opens per second
	LowRate, HighRate float64       // between these the rate is expected to stay
	Rise              float64       // per second and second, by which it grows; negative if it falls
	RiseError         float64       // by which it may grow unnoticed
	Dispersion        float64       // variance of the opens of a second, as a multiple of their mean
	LeakShare         float64       // of opens: they stay open, while others have ended
	Lifetime          time.Duration // mean of the connections that end; meaningless if none has
	LongLife          time.Duration // the longest that Lifetime can be; 0: as long as it is
	Closed            uint64        // how many did
	TimeWaitShare     float64       // of those that ended: they left their TIME_WAIT bucket here
	BucketLife        time.Duration // how long a bucket takes the port away
	LeastBucketLife   time.Duration // the least that it can be; 0: as long as it is

	Open     int   // connections now
	Draining int   // how many of Open will end: the others stay
	Buckets  int   // that cannot be reused now
	Expiring []int // of Buckets: how many expire between i and i+1 seconds from now
}

// Inputs are what a forecast is computed from: the state of a space and how it is used.
type Inputs struct {
	event.Occupancy

	Load              // of the space
	Elsewhere *Load   // of other spaces, of ports that a bind() owns: Open of Bound, Buckets of TimeWait. nil: none
	Wanted    float64 // opens per second, and calls that found no port
	BoundRate float64 // ports per second that a bind() takes, too, and does not release
	// MaxBuckets is how many TIME_WAIT buckets of the space the kernel keeps: tcp_max_tw_buckets
	// without those of other spaces. Beyond them a connection leaves none. 0: unknown.
	MaxBuckets int
	// Watched is for how long the load is known: what has not ended in that time can end
	// later. 0: since ever.
	Watched time.Duration
	Few     bool // the load is known too little to say that the space will never be full
}

const (
	// never is beyond what is reported: a month of steady growth says nothing.
	never = 30 * 24 * time.Hour
	// mostSustainable is the most that is called a limit. No host opens 100,000 connections per
	// second to one destination: where ports would allow more, something else is the limit.
	mostSustainable = 1e5
	// roughFor is for how long connections that are open can still be short ones.
	roughFor = 5 * time.Second
)

// Held returns the mean time for which an open takes its port: the connection's lifetime and,
// where this end closes first, the TIME_WAIT behind it. 0 if nothing has ended yet.
func (l *Load) Held() time.Duration {
	if l.Closed == 0 {
		return 0
	}
	return l.Lifetime + time.Duration(l.TimeWaitShare*float64(l.BucketLife))
}

// Sustainable returns the opens per second that the space can serve indefinitely. Connections
// elsewhere whose ports a bind() owns take their share. It is 0 if it is not known, if no rate
// is sustainable as some connections stay open, or if ports are not what limits the rate.
func (in *Inputs) Sustainable() float64 {
	held := in.Held().Seconds()
	if held <= 0 || in.LeakShare > 0 {
		return 0
	}
	return in.servable(held)
}

// Rough returns the same by the rule of thumb, while too few connections have ended to know for
// how long one holds its port: as if each were closed at once and left a bucket. It is 0 if
// connections are seen to last, as their ports are not free then.
func (in *Inputs) Rough(watched time.Duration) float64 {
	if in.BucketLife <= 0 || watched > roughFor && in.Live > in.TimeWait {
		return 0
	}
	return in.servable(in.BucketLife.Seconds())
}

// servable returns the opens per second that can be served if each holds its port for that number
// of seconds.
func (in *Inputs) servable(held float64) float64 {
	room := float64(max(in.Capacity-in.fixed(), 0))
	share := 1.0 // of the room
	if e := in.Elsewhere; e != nil && e.Rate > 0 {
		own := max(in.Rate, in.Wanted) * held
		share = own / (own + e.Rate*max(e.Held().Seconds(), e.BucketLife.Seconds()))
	}
	rate := share * room / held
	if most := float64(in.MaxBuckets); most > 0 && most < room && in.Lifetime > 0 {
		rate = max(rate, share*(room-most)/in.Lifetime.Seconds())
	}
	if rate > mostSustainable {
		return 0
	}
	return rate
}

// fixed returns the number of bound ports that are not those of Elsewhere.
func (in *Inputs) fixed() int {
	if in.Elsewhere == nil {
		return in.Bound
	}
	return max(in.Bound-in.Elsewhere.Open, 0)
}

// Forecast follows the ports in use: opens take them at the rate of now, connections end by
// their mean lifetime or stay, and existing buckets expire when their timers do. The interval
// is from what the rate, its trend and the lifetimes may be at worst and at best. Without a
// rate there is none.
func (in *Inputs) Forecast() snapshot.Forecast {
	switch {
	case in.Capacity <= 0:
		return snapshot.Forecast{}
	case in.IsFull():
		return snapshot.Forecast{Known: true, Model: "no port is left"}
	}
	f := snapshot.Forecast{Known: true, Model: in.describe(), Low: -1, High: -1}
	eta, full := in.fullAfter(usual)
	low, lowFull := in.fullAfter(worst)
	if lowFull {
		f.Low = max(low-rounding, 0)
	}
	if !full {
		f.Never = true
		if at, ok := in.fullAfter(doubtful); ok && !lowFull && at <= neverMeans {
			f.Low = max(at-rounding, 0)
		}
		if in.Few && f.Low < 0 {
			return snapshot.Forecast{}
		}
		return f
	}
	f.ETA = eta
	f.Low = min(max(f.Low, 0), eta)
	if high, ok := in.fullAfter(best); ok && in.lasts(high) {
		f.High = max(high, eta) + rounding
	}
	return f
}

// neverMeans is for how long a forecast of never must hold, if the load goes on as it does.
const neverMeans = 10 * time.Minute

// rounding is by how much a moment is off that a snapshot sees between two opens.
const rounding = 500 * time.Millisecond

// lasts reports whether the connections that stay open can be expected to stay until then:
// those that have been open for a minute may end in the next.
func (in *Inputs) lasts(until time.Duration) bool {
	stay := in.Closed == 0 && in.Rate > 0 || in.LeakShare > 0
	return !stay || in.Watched == 0 || until <= in.Watched
}

func (in *Inputs) describe() string {
	text := fmt.Sprintf("if %.1f conn/s continue", in.Rate)
	switch {
	case in.Closed == 0:
		text += " and none closes (none has)"
	case in.LeakShare > 0:
		text += fmt.Sprintf(" and %.0f %% of them stay open, as they have so far; the others hold a port for ", 100*in.LeakShare)
	default:
		text += "; each holds its port for "
	}
	if in.Closed > 0 {
		text += fmt.Sprintf("%.1f s: %s open, %.0f %% leave %.1f s of TIME_WAIT",
			in.Held().Seconds(), open(in.Lifetime), 100*in.TimeWaitShare, in.BucketLife.Seconds())
	}
	if e := in.Elsewhere; e != nil && e.Rate > 0 {
		text += fmt.Sprintf("; bound connections to other destinations take %.1f ports/s more", e.Rate)
	}
	if in.BoundRate > 0 {
		text += fmt.Sprintf("; bind() takes %.1f ports/s more", in.BoundRate)
	}
	return text
}

// open returns a lifetime in ms if it is short.
func open(life time.Duration) string {
	if life < time.Second {
		return fmt.Sprintf("%d ms", life.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", life.Seconds())
}

func seconds(s float64) time.Duration {
	if s > never.Seconds() {
		return never
	}
	return time.Duration(math.Max(s, 0) * float64(time.Second))
}
