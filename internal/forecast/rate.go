package forecast

import (
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Rate is how many connections are opened per second, if there is a rate: what was opened at
// once, or has stopped, has none.
type Rate struct {
	Known      bool
	Mean       float64       // over the shortest window that says something
	Low, High  float64       // between these it is expected to stay
	Rise       float64       // per second and second, by which it has been rising; 0 if that can be chance
	RiseError  float64       // by which it may have been rising or falling unnoticed
	Dispersion float64       // variance of the opens of a second, as a multiple of their mean
	Watched    time.Duration // for how long the space has been used
	Few        bool          // opens or seconds: that the space will never be full does not follow
}

const (
	// enoughOpens in a window make its mean good to a fifth. If a window has fewer, a longer
	// one is taken.
	enoughOpens = 25
	// A rate needs opens in several seconds. Their number counts by weight, (sum x)^2 /
	// sum x^2: one second with most of the opens and some with a few are little more than one.
	fewestOpens, enoughSeconds = 5, 2.5
	shortestWatch              = 2900 * time.Millisecond
	// longEnough and manyOpens are what it takes to say never: most programs have come up to
	// speed by then.
	longEnough, manyOpens = 10 * time.Second, 2 * enoughOpens
	// smallestDispersion is that of a pacemaker: even it is not exact. A rise that is not
	// noticed can be greater than a pacemaker's chance.
	smallestDispersion, smallestRiseDispersion = 0.05, 0.25
	// wave is the most seconds over which a rate is expected to come and go.
	wave = 40
	// silentOpens is how many missing opens in a row are not chance: e^-6 is 0.25 %.
	silentOpens    = 6
	shortestSilent = 1500 * time.Millisecond
	deviations     = 2 // standard errors to each side of an interval
)

// windows are the lengths in seconds over which a rate is taken. The first is that of all
// rates of a snapshot.
var windows = [...]int64{int64(snapshot.RateWindow / time.Second), 10, 20, 40, 80}

// counts is the opens of the last seconds of a space, one element for each second.
type counts struct {
	opens    [snapshot.HistorySeconds]float64
	last     int64 // the second of the last element, which is not over
	from     int64 // the first second in which the space was used
	now      event.Time
	first    event.Time
	failures float64 // calls that found no port in the shortest window
}

func (u *Usage) counts(now event.Time) *counts {
	c := &counts{last: history.SecondOf(now), now: now, first: u.First}
	c.from = max(history.SecondOf(u.First), c.last-snapshot.HistorySeconds+1)
	for _, s := range u.History.Seconds() {
		if c.from <= s.At && s.At <= c.last {
			c.opens[s.At-c.last+snapshot.HistorySeconds-1] = float64(s.Opens)
			if s.At > c.last-windows[0] {
				c.failures += float64(s.Failures)
			}
		}
	}
	return c
}

// at returns the opens of a second.
func (c *counts) at(second int64) float64 { return c.opens[second-c.last+snapshot.HistorySeconds-1] }

// window is what happened in the last seconds.
type window struct {
	opens, squares float64
	seconds        float64
}

func (w window) rate() float64 { return w.opens / w.seconds }

// weight returns in how many seconds there were opens, by weight.
func (w window) weight() float64 {
	if w.squares == 0 {
		return 0
	}
	return w.opens * w.opens / w.squares
}

func (w window) isRate() bool { return w.opens >= fewestOpens && w.weight() >= enoughSeconds }

// window returns the last n seconds, or those since the first use.
func (c *counts) window(n int64) window {
	from := max(c.last-n+1, c.from)
	var w window
	for at := from; at <= c.last; at++ {
		x := c.at(at)
		w.opens += x
		w.squares += x * x
	}
	begin := max(event.Time(from*int64(time.Second)), c.first)
	w.seconds = max(c.now.Sub(begin).Seconds(), 1) // less than a second says little about a rate
	return w
}

// shortest returns the shortest window that says something, else the longest.
func (c *counts) shortest() window {
	var w window
	for _, n := range windows {
		if w = c.window(n); w.opens >= enoughOpens && w.isRate() {
			break
		}
	}
	return w
}

// Rate returns how fast connections are opened. It is known if there were opens in several
// seconds, and no silence that is longer than those between them.
func (u *Usage) Rate(now event.Time) Rate {
	watched := now.Sub(u.First)
	if u.Opens < fewestOpens || watched < shortestWatch {
		return Rate{Watched: watched}
	}
	c := u.counts(now)
	w := c.shortest()
	if !w.isRate() || c.silent(u.lastOpen, w.rate()) {
		return Rate{Watched: watched}
	}
	r := Rate{Known: true, Mean: w.rate(), Watched: watched, Dispersion: c.dispersion()}
	r.Few = watched < longEnough || c.window(snapshot.HistorySeconds).opens < manyOpens
	r.Rise, r.RiseError = c.rise(r.Dispersion)
	margin := 1 + deviations*math.Sqrt(r.Dispersion/w.opens)
	r.Low, r.High = r.Mean/margin, r.Mean*margin
	for _, n := range windows {
		if other := c.window(n); n <= wave && other.seconds >= shortestWatch.Seconds() {
			r.Low, r.High = min(r.Low, other.rate()), max(r.High, other.rate())
		}
	}
	r.High += c.failures / c.window(windows[0]).seconds
	return r
}

// silent reports whether the opens have stopped.
func (c *counts) silent(last event.Time, rate float64) bool {
	var gap, longest int64
	for at := c.from; at <= history.SecondOf(last); at++ {
		gap++
		if c.at(at) > 0 {
			gap = 0
		}
		longest = max(longest, gap)
	}
	usual := time.Duration(longest) * 3 / 2 * time.Second
	if longest > 0 {
		usual += time.Second
	}
	return c.now.Sub(last) > max(shortestSilent, usual, seconds(silentOpens/rate))
}

// dispersion returns the variance of the opens of whole seconds, as a multiple of their mean:
// 1 of arrivals by chance, less of a pacemaker's, more of bursts. Opens come and go in waves
// as well, so that of five seconds is taken if it is greater.
func (c *counts) dispersion() float64 {
	return max(c.dispersionOf(1), c.dispersionOf(5), smallestDispersion)
}

func (c *counts) dispersionOf(length int64) float64 {
	var n, sum, squares float64
	from := max(c.from, c.last-wave)
	for end := c.last - 1; end-length+1 > from; end -= length {
		var x float64
		for at := end - length + 1; at <= end; at++ {
			x += c.at(at)
		}
		n++
		sum += x
		squares += x * x
	}
	if n < 3 || sum == 0 {
		return 1 // too few to know: by chance
	}
	mean := sum / n
	return (squares - n*mean*mean) / (n - 1) / mean
}

// rise returns by how much the rate grows each second, negative if it falls: the newer half
// of the time compared with the older. It is 0 if that can be chance, up to the error.
func (c *counts) rise(dispersion float64) (rise, margin float64) {
	half := max((c.last-1-c.from)/2, 1)
	var older, newer float64
	for i := range half {
		newer += c.atOrZero(c.last - 1 - i)
		older += c.atOrZero(c.last - 1 - half - i)
	}
	span := float64(half * half)
	margin = deviations * math.Sqrt(max(dispersion, smallestRiseDispersion)*(newer+older+fewestOpens))
	if change := newer - older; half >= 3 && math.Abs(change) > margin {
		return change / span, margin / span
	}
	return 0, margin / span
}

func (c *counts) atOrZero(second int64) float64 {
	if second <= c.last-snapshot.HistorySeconds {
		return 0
	}
	return c.at(second)
}
