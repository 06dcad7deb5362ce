package forecast

import (
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// scenario is what is assumed of the rate and the lifetimes.
type scenario int

const (
	usual scenario = iota // as they are
	worst                 // for the ports: as many opens and as long lifetimes as can be
	best
	doubtful // worst, with a rise that is too small to be noticed
)

const (
	step = 0.25 // seconds, of the model
	// maxSteps bounds the work for long lifetimes; what comes later follows a formula.
	maxSteps = 4096
	// settledLives is how many mean lifetimes it takes until nearly all connections of now have ended that do:
	// of exponential ones 5 in 100,000 are left.
	settledLives = 10
	// A rise is expected to go on for moreRise times as long as it has been watched.
	moreRise = 2
)

// pool is the ports of a Load as the model moves them on.
type pool struct {
	*Load
	open    float64 // mean opens per second of the scenario
	rise    float64
	rises   float64 // seconds for which it rises
	life    float64 // seconds
	share   float64 // that leaves a bucket
	leak    float64
	ending  float64
	staying float64
	bucket  float64
	made    []float64 // buckets in each step; nil before the first one
	// bucketLife is for how long a bucket that is made takes its port, in seconds, and delay
	// in steps.
	bucketLife float64
	delay      int
	stay       float64 // the share of the open connections that do not end in a step
	mean       float64 // for how long those are open that end, in seconds, above 0
}

// newPool returns the ports of a load as they are. room is how many opens it takes to fill
// the space: the fewer, the more it matters how they come by chance.
func newPool(l *Load, s scenario, room float64, watched time.Duration) *pool {
	p := &pool{
		Load: l, open: l.Rate, life: l.Lifetime.Seconds(), share: l.TimeWaitShare, leak: l.LeakShare,
		ending: float64(min(l.Draining, l.Open)), bucket: float64(max(l.Buckets, 0)),
	}
	p.setBucketLife(l.BucketLife)
	p.staying = float64(l.Open) - p.ending
	p.rises = moreRise * min(watched, snapshot.HistorySeconds*time.Second).Seconds()
	chance := 1 + deviations*math.Sqrt(l.Dispersion/max(room, 1))
	unsure := 1 + deviations/math.Sqrt(float64(max(l.Closed, 1)))
	switch s {
	case worst, doubtful:
		p.open, p.rise, p.life = l.HighRate*chance, max(l.Rise, 0), max(p.life*unsure, l.LongLife.Seconds())
		if s == doubtful {
			p.rise += l.RiseError
		}
		p.share = min(p.share+p.shareError(), 1)
	case best:
		p.open, p.rise, p.life = l.LowRate/chance, min(l.Rise, 0), p.life/unsure
		p.share = max(p.share-p.shareError(), 0)
		if l.LeastBucketLife > 0 {
			p.setBucketLife(l.LeastBucketLife)
		}
	}
	p.mean = max(p.life, 1e-6)
	p.stay = math.Exp(-step / p.mean)
	return p
}

func (p *pool) setBucketLife(life time.Duration) {
	p.bucketLife, p.delay = life.Seconds(), int(math.Ceil(life.Seconds()/step))
}

// shareError returns by how much the share of connections that leave a bucket can be off.
func (p *pool) shareError() float64 {
	if p.Closed == 0 {
		return 0
	}
	n := float64(p.Closed)
	return deviations*math.Sqrt(p.share*(1-p.share)/n) + 1/n
}

func (p *pool) used() float64 { return p.ending + p.staying + max(p.bucket, 0) }

// rate returns the opens per second some seconds from now.
func (p *pool) rate(after float64) float64 {
	return max(p.open+p.rise*min(after, p.rises), 0)
}

// move makes step i: connections open at the rate, and end at random after their mean
// lifetime or stay; buckets are left, and expire. No more than most of them are kept.
func (p *pool) move(i int, most float64) {
	rate := p.rate(float64(i) * step)
	p.staying += rate * p.leak * step
	rate *= 1 - p.leak
	if p.Closed == 0 {
		p.ending += rate * step
	} else {
		then := p.ending*p.stay + rate*p.mean*(1-p.stay)
		p.made[i] = (p.ending + rate*step - then) * p.share
		p.ending = then
	}
	p.bucket -= p.expiring(i)
	if i >= p.delay {
		p.bucket -= p.made[i-p.delay]
	}
	p.made[i] = min(p.made[i], max(most-p.bucket, 0))
	p.bucket += p.made[i]
}

// expiring returns how many of the existing buckets expire in a step.
func (p *pool) expiring(i int) float64 {
	second := int(float64(i) * step)
	if second >= len(p.Expiring) {
		return 0
	}
	return float64(p.Expiring[second]) * step
}

// grows returns the ports per second that connections take in the long run and never release.
func (p *pool) grows() float64 {
	rate := p.rate(never.Seconds())
	if p.Closed == 0 {
		return rate
	}
	return rate * p.leak
}

// ceiling returns a bound of the ports that are ever taken, which no step exceeds: all connections
// that can be open at a time, and all buckets that can be made while one lasts, by those that are
// open or come in that time.
func (p *pool) ceiling() float64 {
	rate := max(p.rate(0), p.rate(p.rises))
	if rate > 0 && (p.Closed == 0 || p.leak > 0) {
		return math.Inf(1)
	}
	ending := max(p.ending, rate*p.mean)
	return p.staying + ending + p.bucket + p.share*(ending+rate*float64(p.delay)*step)
}

// settles returns the ports that the others take in the long run.
func (p *pool) settles(most float64) float64 {
	if p.Closed == 0 {
		return p.used()
	}
	rate := p.rate(never.Seconds()) * (1 - p.leak)
	return p.staying + rate*p.life + min(rate*p.share*p.bucketLife, most)
}

// model is the pools of a space.
type model struct {
	pools []*pool
	steps int
	room  float64 // for all of them
	most  float64 // buckets that the kernel keeps
	bound float64 // ports per second that a bind() takes
}

func (in *Inputs) newModel(s scenario) *model {
	m := &model{room: float64(in.Capacity - in.fixed()), bound: in.BoundRate, most: math.Inf(1)}
	if in.MaxBuckets > 0 {
		m.most = float64(in.MaxBuckets)
	}
	own := in.Load
	own.Open, own.Buckets = in.Live, min(in.TimeWait-in.Reusable, in.bucketLimit())
	if in.Elsewhere != nil {
		own.Buckets -= min(in.Elsewhere.Buckets, own.Buckets)
	}
	left := float64(in.Capacity - in.Taken())
	if in.Elsewhere != nil {
		m.pools = append(m.pools, newPool(in.Elsewhere, s, left, in.Watched))
	}
	m.pools = append(m.pools, newPool(&own, s, left, in.Watched))
	for _, p := range m.pools {
		m.steps = max(m.steps, p.steps())
	}
	return m
}

func (in *Inputs) bucketLimit() int {
	if in.MaxBuckets > 0 {
		return in.MaxBuckets
	}
	return math.MaxInt
}

// steps returns how many it takes until the rate rises no more, the buckets of now have expired, buckets are
// made as fast as they expire and nearly as many connections end as open.
func (p *pool) steps() int {
	settles := max(p.bucketLife, float64(len(p.Expiring))) + settledLives*p.life
	if p.rise != 0 {
		settles += p.rises
	}
	return int(min(math.Ceil(settles/step), maxSteps))
}

// fullAfter returns the time until no port is left, false if that does not come.
func (in *Inputs) fullAfter(s scenario) (time.Duration, bool) {
	m := in.newModel(s)
	if m.opens()+m.bound <= 0 || m.staysBelow() {
		return 0, false
	}
	return m.simulate()
}

// simulate returns the same, step by step.
func (m *model) simulate() (time.Duration, bool) {
	for _, p := range m.pools {
		p.made = make([]float64, m.steps)
	}
	used := m.used()
	for i := range m.steps {
		before := used
		for _, p := range m.pools {
			p.move(i, m.most)
		}
		m.room -= m.bound * step
		if used = m.used(); used >= m.room {
			share := 1.0
			if used > before {
				share = min(max((m.room+m.bound*step-before)/(used+m.bound*step-before), 0), 1)
			}
			return seconds((float64(i) + share) * step), true
		}
	}
	return m.beyond(used, float64(m.steps)*step)
}

// staysBelow reports whether it is clear without a step that ports are always left, as in most
// spaces.
func (m *model) staysBelow() bool {
	const slack = 1 // for rounding
	if m.bound > 0 {
		return false
	}
	most := 0.0
	for _, p := range m.pools {
		most += p.ceiling()
	}
	return most+slack < m.room
}

func (m *model) used() (sum float64) {
	for _, p := range m.pools {
		sum += p.used()
	}
	return sum
}

func (m *model) opens() (sum float64) {
	for _, p := range m.pools {
		sum += p.open
	}
	return sum
}

// beyond goes on when buckets are made as fast as they expire. What grows is the number of
// connections, without end or towards where as many end as open.
func (m *model) beyond(used, after float64) (time.Duration, bool) {
	var settles, life float64
	grows := m.bound
	for _, p := range m.pools {
		grows += p.grows()
		settles += p.settles(m.most)
		life = max(life, p.life)
	}
	var more float64
	switch {
	case grows > 0:
		more = (m.room - used) / grows
	case settles <= m.room:
		return 0, false
	default:
		more = life * math.Log(max(settles-used, 0)/(settles-m.room))
	}
	if math.IsNaN(more) || after+more > never.Seconds() {
		return 0, false
	}
	return seconds(after + max(more, 0)), true
}
