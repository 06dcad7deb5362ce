// Package aggregate counts what each process did, towards which destinations, and what
// failed. It is fed events and asked for snapshots; it does no I/O, starts no goroutine and
// knows no clock but the one in the events.
//
// It reads the table of sockets and the facts of the world, and owns neither: the pipeline
// does, and other readers of the stream use the same ones. It moves the table's time on, and
// Restart gives the world back the names that rows have kept for longer.
package aggregate

import (
	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The fields stand so that there is no padding between them: it would have a map hash
// each piece by itself.
type destKey struct {
	netns  uint32
	ended  uint32 // which namespace that is, if its inode is another's by now: see netnsRows
	remote event.Endpoint
	proto  event.Proto
}

type pairKey struct {
	proc event.ProcID
	dest destKey
}

// State is what the rows of a snapshot are made from. It is for one goroutine.
type State struct {
	world   *event.World
	table   *portspace.Table
	started event.Time // when the counting began
	now     event.Time

	total     *row
	processes *table[event.ProcID]
	dests     *table[destKey]
	// Destinations that only events had which the filter leaves out: they must not take the
	// place of others, but once one is selected all its sockets count.
	unselected *table[destKey]
	past       past
	pairs      *table[pairKey]
	pending    pending
	failures   failures

	backlogMaps  backlogMaps // of the last snapshot, empty
	buckets      buckets
	loose        loose
	looseOutside loose           // of accepted connections that have a port outside the port range
	wide         map[uint32]bool // namespaces of which these were scanned
	scope        scope
	netns        netnsRows
	counts       map[uint32]*netnsCounts // by namespace
	flows        flows
	udp          udpSpaces
	files        files
	fills        fills
	ahead        *fills       // the same up to a moment without an event, while a snapshot is made
	scanned      bool         // a scan of all sockets of some namespace is done
	untrimmed    []uint32     // namespaces that were scanned since the time has moved
	health       event.Health // the newest, since the tracer's start
	healthBefore event.Health // what of it had been before the counting began
	unattributed uint64
	notices      []snapshot.Notice
	gaps         gaps
	limits       limits
	recent       recent
	share        bounds.Share // of their usual size that tables have
}

// New returns an empty state; its time begins with the first event. world and table must
// have taken in every event before Add gets it.
func New(world *event.World, table *portspace.Table) *State {
	return newState(world, table, bounds.OfProcess())
}

func newState(world *event.World, table *portspace.Table, share bounds.Share) *State {
	s := &State{
		world:      world,
		table:      table,
		total:      newRow(true),
		processes:  newTable[event.ProcID](share.Of(maxProcesses), true),
		dests:      newTable[destKey](share.Of(maxDestinations), true),
		unselected: newTable[destKey](share.Of(maxDestinations), true),
		past:       newPast(share),
		pairs:      newTable[pairKey](share.Of(maxPairs), false),
		failures:   newFailures(share),

		buckets:      newBuckets(),
		loose:        loose{},
		looseOutside: loose{},
		wide:         map[uint32]bool{},
		scope:        newScope(),
		netns:        newNetnsRows(),
		counts:       map[uint32]*netnsCounts{},
		flows:        newFlows(share),
		udp:          udpSpaces{},
		recent:       newRecent(),
		limits:       newLimits(),
		fills:        newFills(),
		share:        share,
	}
	s.Rebind()
	return s
}

// Rebind must be called of a deep copy of a State: what its tables call is the original.
func (s *State) Rebind() {
	s.processes.overflow, s.pairs.overflow = s.pastProcess, s.pastPair
	s.processes.settle, s.dests.settle, s.unselected.settle, s.pairs.settle = s.settleRow, s.settleRow, s.settleRow, s.settleRow
}

// Add takes the events of the stream, in order.
func (s *State) Add(e *event.Event) {
	s.advance(e.Time)
	if !onlyAdds(e.Kind) {
		s.settle()
	}
	switch e.Kind {
	case event.Folded:
		s.scope.add(e)
		s.fold(e)
	case event.DetailLimited:
		s.limits.take(e, s.whois)
	case event.Open, event.Close, event.ConnectFail, event.Bind, event.BindFail,
		event.EnterCloseWait, event.SynUnanswered, event.SynAnswered:
		s.scope.add(e)
		s.recent.add(e, s.world)
		s.socket(e)
	case event.SocketFound:
		s.scope.add(e)
		s.flows.addFound(e)
		s.found(e)
	case event.SocketGone:
		s.flows.addGone(e)
		s.gone(e)
	default:
		s.fact(e)
	}
}

// advance moves the time on; a late event does not move it back.
func (s *State) advance(to event.Time) {
	if s.started == 0 {
		s.started = to
	}
	if to > s.now {
		s.now = to
		s.trimScanned()
		s.buckets.expire(to)
		s.age()
	}
}

func (s *State) fact(e *event.Event) {
	switch fact := e.Fact.(type) {
	case *event.Process:
		if r := s.processes.rows[fact.ID]; r != nil {
			r.info = fact
		}
	case *event.Netns:
		s.takeNetns(fact)
		s.buckets.trim(fact, int64(s.table.Netns(fact.Inode).Attributed()))
	case *event.NetnsCounts:
		s.takeCounts(fact)
	case *event.Census:
		s.scanned = true
		s.untrimmed = append(s.untrimmed, fact.Netns)
		if !s.table.AtLimit() { // else it holds less than the scan has found
			s.loose.scanned(fact.Netns, began(fact, e.Time))
			if fact.Wide {
				s.looseOutside.scanned(fact.Netns, began(fact, e.Time))
				s.wide[fact.Netns] = true
			}
		}
	case *event.FileUse:
		s.addFiles(e, fact)
	case *event.UDPUse:
		s.addUDP(e, fact)
	case *event.Health:
		s.health = *fact
		if e.Flags.Has(event.BeforeStart) {
			s.healthBefore = *fact
		}
	case *event.Gap:
		s.gaps.add(*fact)
		s.limits.gap(fact)
		s.fills.forgetGap(fact)
	case event.Text:
		s.notices = append(s.notices, snapshot.Notice{At: s.world.Clock.WallTime(e.Time), Text: string(fact)})
		if len(s.notices) > maxNotices {
			s.notices = s.notices[1:]
		}
	}
}

// rowsOf returns the rows that an event counts for. A filter narrows which processes' events
// are counted, but a destination always counts every socket towards it.
func (s *State) rowsOf(e *event.Event) rowSet {
	h := rowSet{netns: e.Netns, inbound: e.Direction == event.In}
	outgoing := e.Direction == event.Out && e.Dst.Port != 0
	selected := !e.Flags.Has(event.NotSelected)
	dest := destKey{netns: e.Netns, remote: e.Dst, proto: e.Proto}
	switch {
	case outgoing && selected:
		s.addPairRows(&h, pairKey{e.Proc, dest}, e)
	case outgoing:
		h.dest = s.unselectedDest(dest, e)
	case selected:
		h.proc = s.process(ownerOf(e), e)
		if e.Direction == event.Out && (e.Kind == event.Folded || e.Kind == event.ConnectFail && e.Dst == event.Endpoint{}) {
			h.dest = s.dests.share(dest, nil) // the kernel had no room for its destinations
		}
	}
	if selected {
		h.total = s.total
	}
	return h
}

// addPairRows is one look-up instead of three for all but the first event of a pair.
func (s *State) addPairRows(h *rowSet, key pairKey, e *event.Event) {
	p := s.pairRow(key, e)
	if p.shared {
		h.pair, h.proc, h.dest = p, s.process(key.proc, e), s.dest(key.dest, e)
		return
	}
	if p.pending == 0 { // else it has its rows
		if !s.processes.holds(p.proc) {
			p.proc = s.process(key.proc, e)
		}
		if !s.dests.holds(p.dest) {
			p.dest = s.dest(key.dest, e)
		}
	}
	h.pair, h.proc, h.dest = p, p.proc, p.dest
}

// process returns the row of a process.
func (s *State) process(id event.ProcID, e *event.Event) *row {
	r := s.processes.row(id, e)
	if r.info == nil && !r.shared {
		r.info = s.world.Process(id)
	}
	return r
}

// dest returns the row of a destination that is selected.
func (s *State) dest(key destKey, e *event.Event) *row {
	r := s.dests.row(key, e)
	if before := s.unselected.rows[key]; before != nil && !r.shared {
		delete(s.unselected.rows, key)
		r.merge(before)
		*before = row{mergedInto: r}
	}
	return r
}

func (s *State) unselectedDest(key destKey, e *event.Event) *row {
	if r := s.dests.rows[key]; r != nil {
		return r
	}
	return s.unselected.row(key, e)
}

// whois returns what is known of a process. A row keeps it for longer than the world does.
func (s *State) whois(id event.ProcID) *event.Process {
	if r := s.processes.rows[id]; r != nil && r.info != nil {
		return r.info
	}
	return s.world.Process(id)
}

// ownerOf returns the owner of the socket: of an accepted connection that no process has
// closed yet it is the listener.
func ownerOf(e *event.Event) event.ProcID {
	if !e.Proc.Known() {
		return e.Listener
	}
	return e.Proc
}

func (s *State) socket(e *event.Event) {
	if s.netns.anyGone && e.Kind == event.Open {
		s.openIn(e.Netns)
	}
	h := s.rowsOf(e)
	n := e.Count
	if n == 0 {
		n = 1
	}
	if !ownerOf(e).Known() {
		s.unattributed += n
	}
	s.count(e, n, &h)
	s.flows.add(e, n, s.table)
	if e.Reason == event.RangeExhausted && h.total != nil {
		s.fills.exhausted.Add(e.Time, snapshot.Point{Failures: uint32(n)})
	}
	if e.Proto == event.UDP && e.Kind == event.BindFail && e.Reason == event.RangeExhausted {
		s.addUDPFailure(e, n)
	}
	s.follow(e, &h, int64(n))
	if e.Kind == event.Close && e.Flags&(event.TimeWait|event.FinWait2) != 0 && e.Direction == event.In && s.table.LastChange().Is == 0 {
		s.buckets.enter(h, s.table.Netns(e.Netns).BucketExpiry(e), 1)
	}
	if (e.Kind == event.ConnectFail || e.Kind == event.BindFail) && h.total != nil {
		s.failures.add(e, n, s.whois)
	}
}

// count counts n occurrences of an event, at once or when what is pending is settled.
func (s *State) count(e *event.Event, n uint64, h *rowSet) {
	if isPlain(e) && (h.pair.pending != 0 || s.haveRows(h)) {
		if s.pending.add(h.pair, e) {
			return
		}
		s.settle()
		if s.pending.add(h.pair, e) {
			return
		}
	}
	for _, r := range h.rows() {
		if r != nil {
			r.count(e, n)
		}
	}
}

// haveRows reports whether a pair, its process and its destination each have a row of their own.
func (s *State) haveRows(h *rowSet) bool {
	return s.pairs.holds(h.pair) && s.processes.holds(h.proc) && s.dests.holds(h.dest)
}

// fold adds what the kernel counted and did not deliver one by one.
func (s *State) fold(e *event.Event) {
	f, ok := e.Fact.(*event.Fold)
	if !ok {
		return
	}
	h := s.rowsOf(e)
	for _, r := range h.rows() {
		if r != nil {
			r.fold(e, f)
		}
	}
	s.limits.count(e, f)
	s.flows.fold(e, f)
	s.followFold(e, &h, f)
	net := s.table.Netns(e.Netns)
	if n := min(int64(f.TimeWaitOut+f.TimeWaitIn), net.BucketRoom()); n > 0 {
		s.buckets.enter(h, net.TimeWaitExpiry(e.Time), n)
	}
}
