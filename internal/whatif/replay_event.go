package whatif

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// add replays one event.
func (h *host) add(e *event.Event) {
	switch e.Kind {
	case event.Listen:
		h.own(e.Src.Port)
		return
	case event.ListenEnd:
		h.disown(e.Src.Port)
		return
	case event.SocketFound:
		h.found(e)
		return
	}
	if e.Flags.Has(event.NotSelected) || e.Direction == event.In {
		return
	}
	switch e.Kind {
	case event.Open:
		h.opened(e)
	case event.Close:
		h.closed(e)
	case event.SocketGone:
		h.gone(e)
	case event.ConnectFail, event.BindFail:
		h.failed(e)
	case event.Folded:
		if fold, ok := e.Fact.(*event.Fold); ok && e.Dst.Known() {
			h.folded(e, fold)
		}
	}
}

// noteRange notes the range of the namespace at an event.
func (h *host) noteRange(ports event.PortRange) {
	if ports.Known() && !slices.Contains(h.ports, ports) {
		h.ports = append(h.ports, ports)
	}
}

// fromRange reports whether the port can have been chosen by the system. One that a program
// chose outside the range competes with none.
func (h *host) fromRange(port uint16) bool {
	return len(h.ports) == 0 || port == 0 || slices.ContainsFunc(h.ports, func(r event.PortRange) bool { return r.Holds(port) })
}

func keyOf(e *event.Event) tuplePorts { return tuplePorts{e.Src, e.Dst} }

func (h *host) opened(e *event.Event) {
	if !h.fromRange(e.Src.Port) {
		return
	}
	f := h.flow(e.Src.Addr, e.Dst)
	h.byRemote[e.Dst] = f
	h.forget(keyOf(e))
	h.live[keyOf(e)] = h.begin(f, e.Flags.Has(event.EarlyBind))
}

// forget ends a connection whose end was missed, as there is another one.
func (h *host) forget(key tuplePorts) {
	if c, known := h.live[key]; known {
		delete(h.live, key)
		h.end(c, 0)
	}
}

// ending is how a connection ends.
type ending uint8

const (
	leavesNothing ending = iota
	leavesTimeWait
	leavesFinWait2
)

func endingOf(e *event.Event) ending {
	switch {
	case e.Flags.Has(event.FinWait2):
		return leavesFinWait2
	case e.Flags.Has(event.TimeWait):
		return leavesTimeWait
	}
	return leavesNothing
}

func (h *host) closed(e *event.Event) {
	if h.fromRange(e.Src.Port) {
		h.flow(e.Src.Addr, e.Dst).closes.add(closesOf(e))
	}
	if c, known := h.live[keyOf(e)]; known {
		delete(h.live, keyOf(e))
		if e.Flags.Has(event.NoTimestamps) {
			c.conn.reusable = false
		}
		h.end(c, endingOf(e))
		return
	}
	if !h.fromRange(e.Src.Port) {
		return
	}
	// One that was only counted when it was opened.
	h.endAnonymous(h.flow(e.Src.Addr, e.Dst), endingOf(e))
}

// closesOf counts a close.
func closesOf(e *event.Event) closes {
	c := closes{all: 1}
	if endingOf(e) != leavesNothing {
		c.timeWaits = 1
		if e.Flags.Has(event.NoTimestamps) {
			c.untimed = 1
		}
	}
	return c
}

// gone ends a connection that a scan does not find: its close was missed, or only counted.
func (h *host) gone(e *event.Event) {
	if !e.Dst.Known() {
		h.disown(e.Src.Port)
		return
	}
	c, known := h.live[keyOf(e)]
	if !known {
		return
	}
	delete(h.live, keyOf(e))
	f := h.flow(e.Src.Addr, e.Dst)
	h.end(c, f.debts.pay())
}

// pay returns how a connection has ended whose close was counted before.
func (d *debts) pay() ending {
	if d.closes == 0 {
		return leavesNothing
	}
	d.closes--
	if d.timeWaits == 0 {
		return leavesNothing
	}
	d.timeWaits--
	return leavesTimeWait
}

// failed replays a call that failed: the end of a connection, or one that found no port and
// might under other settings.
func (h *host) failed(e *event.Event) {
	n := max(e.Count, 1)
	switch {
	case e.Flags.Has(event.HadPort):
		if c, known := h.live[keyOf(e)]; known {
			delete(h.live, keyOf(e))
			h.end(c, leavesNothing)
		}
	case wanted(e):
		early := e.Kind == event.BindFail
		f := h.flow(e.Src.Addr, e.Dst)
		if e.Src.Addr == (event.Addr{}) {
			f = h.flowTo(e.Dst)
		}
		h.spread(burst{flow: f, early: early, mortal: true}, n, e.Last.Sub(e.First))
	}
}

// folded replays what was only counted.
func (h *host) folded(e *event.Event, fold *event.Fold) {
	f := h.flowTo(e.Dst)
	span := e.Last.Sub(e.First)
	if fold.Opens > 0 {
		h.spread(burst{flow: f}, fold.Opens, span)
	}
	ended := fold.ClosesOut + fold.ConnectFails
	if ended > 0 {
		timeWaits := min(fold.TimeWaitOut, ended)
		f.closes.add(closes{all: ended, timeWaits: timeWaits})
		h.spread(burst{flow: f, closes: true, timeWaits: timeWaits}, ended, span)
	}
}

// burst is calls that were only counted, evenly over a time.
type burst struct {
	flow      *flow
	closes    bool // opens otherwise
	early     bool
	mortal    bool // no close will follow: they live as long as others have
	left      uint64
	timeWaits uint64 // of closes that are left
	every     time.Duration
}

// spread has the calls happen from now on, in the time that they took: they are known when they
// are over, so that they come that much late, a second at most.
func (h *host) spread(b burst, n uint64, span time.Duration) {
	b.left, b.every = n, max(span, 0)/time.Duration(n)
	index := len(h.bursts)
	for i := range h.bursts {
		if h.bursts[i].left == 0 {
			index = i
		}
	}
	if index == len(h.bursts) {
		h.bursts = append(h.bursts, b)
	}
	h.bursts[index] = b
	h.agenda.push(occurrence{at: h.engine.now, what: ofBurst, left: int32(index)})
}

// happen does what is due: the next call of a burst, or the end of a connection without a
// recorded one.
func (h *host) happen(o occurrence) {
	if o.what == requestEnd {
		how := leavesTimeWait
		if h.random.chance(h.replay.load.ServerCloses) {
			how = leavesNothing
		}
		h.end(liveConn{conn: o.conn, left: o.left, ok: true}, how)
		return
	}
	b := &h.bursts[o.left]
	switch {
	case b.closes:
		how := leavesNothing
		if b.timeWaits > 0 && h.random.below(int(b.left)) < int(b.timeWaits) {
			b.timeWaits--
			how = leavesTimeWait
		}
		h.endAnonymous(b.flow, how)
	case b.mortal:
		if c := h.begin(b.flow, b.early); c.ok {
			h.agenda.push(occurrence{at: h.engine.now + h.random.lifetime(&h.replay.load), what: requestEnd, conn: c.conn, left: c.left})
		}
	default:
		h.beginAnonymous(b.flow)
	}
	if b.left--; b.left > 0 {
		h.agenda.push(occurrence{at: h.engine.now + int64(b.every), what: ofBurst, left: o.left})
	}
}

// begin opens a connection, or takes one that is kept alive.
func (h *host) begin(f *flow, early bool) liveConn {
	f.opens++
	if c, ok := f.takeIdle(); ok {
		return c
	}
	early = h.binds(early)
	conn, ok := h.engine.open(f.nextSpace(), early, h.reuses(f))
	if ok && !h.scanned {
		h.ahead.add(f, early)
	}
	return h.begun(f, conn, ok)
}

// takeIdle takes the connection that was used last of those that are kept alive.
func (f *flow) takeIdle() (liveConn, bool) {
	n := len(f.idle)
	if n == 0 {
		return liveConn{}, false
	}
	c := f.idle[n-1]
	f.idle = f.idle[:n-1]
	return c, true
}

// nextSpace returns the space of the model that is next in turn.
func (f *flow) nextSpace() int32 {
	space := f.spaces[f.next]
	f.next = (f.next + 1) % len(f.spaces)
	return space
}

func (h *host) begun(f *flow, c conn, ok bool) liveConn {
	if !ok && h.first == nil {
		h.first = f
	}
	return liveConn{conn: c, left: int32(h.replay.changes.Requests), ok: ok}
}

// binds reports whether a connection binds before it connects, that did or did not as recorded.
func (h *host) binds(recorded bool) bool {
	switch h.replay.changes.Early {
	case LateBind:
		return false
	case EarlyBind:
		return true
	}
	return recorded
}

// end ends a request, and its connection if that serves no more.
func (h *host) end(c liveConn, how ending) {
	if !c.ok {
		return
	}
	if c.left--; c.left > 0 {
		f := h.bySpace[c.conn.space]
		f.idle = append(f.idle, c)
		return
	}
	switch how {
	case leavesTimeWait:
		h.engine.closeActively(c.conn)
	case leavesFinWait2:
		h.engine.closeFor(c.conn, h.config.finWait())
	default:
		h.engine.abort(c.conn)
	}
}

func (h *host) beginAnonymous(f *flow) {
	f.counted++
	if c := h.begin(f, false); c.ok {
		f.anonymous = append(f.anonymous, c)
	}
}

// endAnonymous ends a connection that was only counted. The model may have had no port for some
// of those; without any it must be one that a scan will find gone.
func (h *host) endAnonymous(f *flow, how ending) {
	if f.counted == 0 {
		f.debts.closes++
		if how != leavesNothing {
			f.debts.timeWaits++
		}
		return
	}
	n := len(f.anonymous)
	isOpen := n > 0 && h.random.below(int(f.counted)) < n
	f.counted--
	if isOpen {
		c := f.anonymous[n-1]
		f.anonymous = f.anonymous[:n-1]
		h.end(c, how)
	}
}

// found replays a socket that a scan has found: older than the recording, or one whose open was
// only counted.
func (h *host) found(e *event.Event) {
	switch {
	case e.State == event.StateListen || e.State == event.StateBound || !e.Dst.Known():
		h.own(e.Src.Port)
	case e.Direction == event.In || e.Flags.Has(event.NotSelected) || !h.fromRange(e.Src.Port):
	case e.State == event.StateTimeWait:
		h.foundTimeWait(e)
	default:
		h.foundLive(e)
	}
}

func (h *host) foundLive(e *event.Event) {
	if _, known := h.live[keyOf(e)]; known {
		return
	}
	f := h.flow(e.Src.Addr, e.Dst)
	if f.counted == 0 { // from before start, or its open was missed
		h.live[keyOf(e)] = h.beginFound(f, e)
		return
	}
	n := len(f.anonymous)
	isOpen := n > 0 && h.random.below(int(f.counted)) < n
	f.counted--
	c := liveConn{}
	if isOpen {
		c = f.anonymous[n-1]
		f.anonymous = f.anonymous[:n-1]
	}
	h.live[keyOf(e)] = c
}

// foundTimeWait replays a bucket: of a connection whose close was missed, or only counted, or one
// from before start. Others are those of closes that were replayed.
func (h *host) foundTimeWait(e *event.Event) {
	c, known := h.live[keyOf(e)]
	switch {
	case known:
		delete(h.live, keyOf(e))
		h.flow(e.Src.Addr, e.Dst).debts.pay()
		h.end(c, leavesTimeWait)
	case e.Flags.Has(event.BeforeStart):
		h.foundBucket(e)
	}
}

// missed forgets the connections that are open, as a part of the recording is missing: it
// repeats all sockets later.
func (h *host) missed() {
	for key, c := range h.live {
		delete(h.live, key)
		h.drop(c)
	}
	for _, f := range h.flows {
		for _, c := range f.anonymous {
			h.drop(c)
		}
		f.anonymous, f.counted, f.debts = f.anonymous[:0], 0, debts{}
	}
}

// drop ends a connection whatever requests it could still serve.
func (h *host) drop(c liveConn) {
	if c.ok {
		h.engine.abort(c.conn)
	}
}

// foundBucket has a TIME_WAIT from before start take its port for what is left of it: of one
// that is shorter in the model, nothing may be.
func (h *host) foundBucket(e *event.Event) {
	if e.Last == 0 {
		return
	}
	left := e.Last.Sub(e.Time) + h.engine.sys.TimeWait - h.wait
	if left <= 0 {
		return
	}
	if c := h.beginFound(h.flow(e.Src.Addr, e.Dst), e); c.ok {
		h.engine.closeFor(c.conn, left)
	}
}

// recordedWait is TCP_TIMEWAIT_LEN of kernels without a setting for it.
const recordedWait = time.Minute

// own takes a port of the range away for a listener, or a socket that is only bound.
func (h *host) own(port uint16) {
	if !h.owned[port] && h.config.Range.Holds(port) && !h.config.Reserved.Holds(port) {
		h.owned[port] = true
		h.engine.ports.own(h.index(port))
	}
}

func (h *host) disown(port uint16) {
	if h.owned[port] {
		delete(h.owned, port)
		h.engine.ports.disown(h.index(port))
	}
}

// index returns the index of a port among those that are not reserved.
func (h *host) index(port uint16) int32 {
	below := event.PortRange{Low: h.config.Range.Low, High: port}
	return int32(usable(below, h.config.Reserved)) - 1
}
