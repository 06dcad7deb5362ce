package whatif

import (
	"math"
	"time"
)

// driver runs a made-up load.
type driver struct {
	load   Load
	engine *engine
	random random
	agenda agenda

	end      int64
	nextOpen float64 // when the next opens, ns; of a load with a rate
	interval float64 // ns between two
	begun    uint64  // requests
	spaces   int
	next     int // the space of the next request

	pools   []pool // by space, if connections serve several requests
	open    int    // connections, of all pools
	waiting uint64 // requests that wait for a connection, of all pools
	syns    uint64 // waiting to be sent
	half    int    // SYNs without an answer
	most    uint64 // of those that wait

	untilFailure bool // the rest is of no interest
}

// pool has the connections to one remote end that are kept alive.
type pool struct {
	idle    []occurrence // the last used is the next to be used
	open    int
	limit   int // 0: none
	waiting uint64
}

func newDriver(system System, load Load) *driver {
	d := &driver{load: load, random: random(load.Seed)}
	mixed := load.EarlyBind > 0 && load.EarlyBind < 1
	d.engine = newEngine(system, mixed)
	d.engine.ports.random = random(load.Seed + 1)
	d.spaces = system.Sources * load.Destinations
	for range system.Sources {
		local := d.engine.ports.addLocal()
		for range load.Destinations {
			d.engine.ports.addSpace(local)
		}
	}
	d.makePools()
	d.end = never
	if load.Duration > 0 {
		d.end = int64(load.Duration)
	} else if load.Count == 0 {
		d.end = int64(DefaultDuration(system, load))
	}
	if load.Rate > 0 {
		d.interval = float64(time.Second) / load.Rate
		d.nextOpen = d.gap(0)
	}
	return d
}

// makePools gives each remote end its share of the connections.
func (d *driver) makePools() {
	if d.load.Requests == 1 {
		return
	}
	d.pools = make([]pool, d.spaces)
	if d.load.Concurrency == 0 {
		return
	}
	for i := range d.pools {
		d.pools[i].limit = d.load.Concurrency / d.spaces
		if i < d.load.Concurrency%d.spaces {
			d.pools[i].limit++
		}
		d.pools[i].limit = max(d.pools[i].limit, 1)
	}
}

// DefaultDuration is for how long a load without an end is simulated: until it is what it will
// be, at least ten minutes.
func DefaultDuration(system System, load Load) time.Duration {
	held := system.TimeWait + load.meanLifetime()
	if load.Dead > 0 {
		held = max(held, system.KeepAlive)
	}
	return max(2*held, min(max(10*time.Minute, 4*held), load.atMost(mostByDefault)))
}

// mostByDefault bounds the connections of a load without an end.
const mostByDefault = 2e7

// atMost returns how long that many connections take.
func (l *Load) atMost(connections float64) time.Duration {
	if l.Rate <= 0 {
		return math.MaxInt64
	}
	return time.Duration(min(connections/l.Rate, 1e9) * float64(time.Second))
}

func (d *driver) run() {
	if d.load.Rate == 0 {
		for range d.load.Concurrency {
			d.agenda.push(occurrence{what: retry})
		}
	}
	for {
		open := d.opensAt()
		at := open
		if len(d.agenda) > 0 {
			at = min(at, d.agenda[0].at)
		}
		if at == never || at >= d.end || d.exhausted() {
			break
		}
		d.engine.advance(at)
		if len(d.agenda) > 0 && d.agenda[0].at <= open {
			d.happen(d.agenda.pop())
			continue
		}
		d.arrive()
	}
}

// exhausted reports whether nothing is left that could fail.
func (d *driver) exhausted() bool {
	if d.untilFailure && d.engine.failures > 0 {
		return true
	}
	return d.load.Count > 0 && d.begun >= d.load.Count && d.waiting+d.syns == 0
}

// opensAt returns when the next request of a load with a rate comes.
func (d *driver) opensAt() int64 {
	if d.load.Rate == 0 || d.load.Count > 0 && d.begun >= d.load.Count {
		return never
	}
	return int64(math.Round(d.nextOpen))
}

// gap returns the time before request n.
func (d *driver) gap(n uint64) float64 {
	switch {
	case d.load.Poisson:
		return d.nextOpen + d.random.exponential(d.interval)
	default:
		return float64(n) * d.interval
	}
}

// arrive begins the next request of a load with a rate.
func (d *driver) arrive() {
	d.begun++
	d.nextOpen = d.gap(d.begun)
	d.request()
}

// request serves the next request by an idle connection or a new one, or has it wait.
func (d *driver) request() {
	to := d.next
	if d.next++; d.next == d.spaces {
		d.next = 0
	}
	if d.pools != nil {
		d.requestPool(to)
		return
	}
	if limit := d.load.Concurrency; limit > 0 && d.open >= limit {
		d.waiting++
		d.note()
		return
	}
	d.connect(to)
}

func (d *driver) requestPool(to int) {
	p := &d.pools[to]
	if n := len(p.idle); n > 0 {
		o := p.idle[n-1]
		p.idle = p.idle[:n-1]
		d.serve(o.conn, o.left)
		return
	}
	if p.limit > 0 && p.open >= p.limit {
		p.waiting++
		d.waiting++
		d.note()
		return
	}
	d.connect(to)
}

// note keeps the most that have waited.
func (d *driver) note() { d.most = max(d.most, d.waiting+d.syns) }

// connect opens a connection for a request.
func (d *driver) connect(to int) {
	if limit := d.engine.sys.HalfOpen; limit > 0 && d.half >= limit {
		d.syns++
		d.note()
		return
	}
	early := d.random.chance(d.load.EarlyBind)
	c, ok := d.engine.open(int32(to), early, true)
	if !ok {
		d.afterFailure()
		return
	}
	d.count(to, 1)
	d.send(c)
}

// count keeps how many connections there are.
func (d *driver) count(space, n int) {
	d.open += n
	if d.pools != nil {
		d.pools[space].open += n
	}
}

// send sends the SYN.
func (d *driver) send(c conn) {
	left := int32(d.load.Requests)
	switch {
	case d.random.chance(d.load.Unanswered):
		d.half++
		d.later(givenUp, d.load.GiveUp, c, left)
	case d.load.Handshake > 0:
		d.half++
		d.later(answered, d.load.Handshake, c, left)
	default:
		d.serve(c, left)
	}
}

func (d *driver) later(what happening, after time.Duration, c conn, left int32) {
	d.agenda.push(occurrence{at: d.engine.now + int64(after), what: what, conn: c, left: left})
}

// serve begins a request on a connection.
func (d *driver) serve(c conn, left int32) {
	if d.random.chance(d.load.Dead) {
		if keep := d.engine.sys.KeepAlive; keep > 0 {
			d.later(vanished, keep, c, left)
		}
		return // without keep-alive it keeps its port until the end
	}
	d.later(requestEnd, time.Duration(d.random.lifetime(&d.load)), c, left)
}

func (d *driver) happen(o occurrence) {
	switch o.what {
	case retry:
		d.work()
	case answered:
		d.half--
		d.serve(o.conn, o.left)
		d.sendWaiting()
	case givenUp:
		d.half--
		d.drop(o.conn)
		d.sendWaiting()
		d.work()
	case vanished:
		d.drop(o.conn)
		d.work()
	case requestEnd:
		d.finish(o)
	}
}

// finish ends a request, and the connection if it was its last.
func (d *driver) finish(o occurrence) {
	if o.left--; o.left > 0 {
		d.keep(o)
	} else {
		d.close(o.conn)
	}
	d.work()
}

// keep gives the connection to the next request.
func (d *driver) keep(o occurrence) {
	p := &d.pools[o.conn.space]
	if p.waiting > 0 {
		p.waiting--
		d.waiting--
		d.serve(o.conn, o.left)
		return
	}
	p.idle = append(p.idle, o)
}

// close ends a connection by whichever end closes first.
func (d *driver) close(c conn) {
	if d.random.chance(d.load.ServerCloses) {
		d.drop(c)
		return
	}
	d.engine.closeActively(c)
	d.replace(c)
}

func (d *driver) drop(c conn) {
	d.engine.abort(c)
	d.replace(c)
}

// replace lets a waiting request have the place of a connection that has ended.
func (d *driver) replace(c conn) {
	to := int(c.space)
	d.count(to, -1)
	if d.pools != nil {
		if d.pools[to].waiting == 0 {
			return
		}
		d.pools[to].waiting--
	}
	if d.waiting > 0 {
		d.waiting--
		d.connect(to)
	}
}

// sendWaiting sends a SYN that has waited for the half-open limit.
func (d *driver) sendWaiting() {
	if d.syns > 0 {
		d.syns--
		d.connect(d.next)
	}
}

// work begins the next request of a worker.
func (d *driver) work() {
	if d.load.Rate > 0 || d.load.Count > 0 && d.begun >= d.load.Count {
		return
	}
	d.begun++
	d.request()
}

// afterFailure has a worker try again when the connection would have ended.
func (d *driver) afterFailure() {
	if d.load.Rate == 0 {
		d.later(retry, max(d.load.meanLifetime(), shortest), conn{}, 0)
	}
}

func (d *driver) result() Result {
	e := d.engine
	r := e.result()
	r.Requests = d.begun
	r.MostWaiting = d.most
	r.Spaces = d.spaces
	r.Duration = time.Duration(e.now)
	if d.end != never {
		r.Duration = time.Duration(d.end)
	}
	r.Sustainable = Sustainable(e.sys, d.load)
	return r
}

// result returns what the engine knows.
func (e *engine) result() Result {
	return Result{
		Survives: e.failures+e.unplaced == 0, FirstFailure: time.Duration(e.first), Failures: e.failures, Unplaced: e.unplaced,
		Peak: e.ports.most, Capacity: e.sys.Ports, Cause: e.cause,
		Opens: e.opens, Requests: e.opens, Overflows: e.overflows, MostBuckets: e.mostBuckets,
		Duration: time.Duration(e.now),
	}
}
