package event

import (
	"maps"
	"slices"
)

// World has the facts of the stream so far: the host, its clock, its namespaces and its
// processes. Apply must be given every event in order. The zero value is ready.
type World struct {
	Host    Host
	Signals Signals
	Clock   Clock
	Health  Health // the newest, since the tracer's start

	netns  map[uint32]*Netns       // those that exist
	counts map[uint32]*NetnsCounts // of these
	// Those that ended, in two generations as with processes: their last events come after them.
	ended, endedBefore map[uint32]*Netns
	// Two generations bound the memory under a storm of short-lived programs: when
	// the young one is full the old one is dropped.
	young, old map[ProcID]*Process
}

// maxYoung processes are kept at least, twice as many at most; likewise maxEnded namespaces.
const (
	maxYoung = 1 << 14
	maxEnded = 1 << 9
)

// Apply takes the fact of an event, if it has one.
func (w *World) Apply(e *Event) {
	switch fact := e.Fact.(type) {
	case *Host:
		w.Host = *fact
	case Signals:
		w.Signals = fact
	case Clock:
		w.Clock = fact
	case *Netns:
		w.keepNetns(fact)
	case *NetnsCounts:
		if w.counts == nil {
			w.counts = map[uint32]*NetnsCounts{}
		}
		w.counts[fact.Netns] = fact
	case *Process:
		w.keep(fact)
	case *Health:
		w.Health = *fact
	}
}

// AppendFacts appends the facts of the host and of the namespaces that exist, as events at a
// time and in a fixed order: a stream that begins then begins with these. Processes are not
// among them: there are very many, and most will not matter.
func (w *World) AppendFacts(dst []Event, at Time) []Event {
	add := func(kind Kind, fact Fact) { dst = append(dst, Event{Time: at, Kind: kind, Fact: fact}) }
	if w.Clock != (Clock{}) {
		add(ClockAnchor, w.Clock)
	}
	if w.Host != (Host{}) {
		host := w.Host
		add(HostKnown, &host)
	}
	if w.Signals != nil {
		add(SignalsKnown, w.Signals)
	}
	for _, inode := range slices.Sorted(maps.Keys(w.netns)) {
		add(NetnsKnown, w.netns[inode])
	}
	for _, inode := range slices.Sorted(maps.Keys(w.counts)) {
		add(NetnsCounted, w.counts[inode])
	}
	if w.Health != (Health{}) { // what had happened before the stream begins
		health := w.Health
		dst = append(dst, Event{Time: at, Kind: HealthKnown, Flags: BeforeStart, Fact: &health})
	}
	return dst
}

func (w *World) keepNetns(fact *Netns) {
	before := w.Netns(fact.Inode).Cookie
	if fact.Gone || fact.Cookie != before && fact.Cookie != 0 && before != 0 { // another one has the inode
		delete(w.counts, fact.Inode)
	}
	if !fact.Gone {
		if w.netns == nil {
			w.netns = map[uint32]*Netns{}
		}
		w.netns[fact.Inode] = fact
		return
	}
	delete(w.netns, fact.Inode)
	if w.ended == nil || len(w.ended) >= maxEnded {
		w.endedBefore, w.ended = w.ended, map[uint32]*Netns{}
	}
	w.ended[fact.Inode] = fact
}

func (w *World) keep(p *Process) {
	if w.young == nil || len(w.young) >= maxYoung {
		w.old, w.young = w.young, make(map[ProcID]*Process)
	}
	w.young[p.ID] = p
}

// Process returns the facts of a process; never nil.
func (w *World) Process(id ProcID) *Process {
	if p, ok := w.young[id]; ok {
		return p
	}
	if p, ok := w.old[id]; ok {
		w.keep(p)
		return p
	}
	return &Process{ID: id}
}

// Netns returns the facts of a network namespace; never nil.
func (w *World) Netns(inode uint32) *Netns {
	for _, known := range [...]map[uint32]*Netns{w.netns, w.ended, w.endedBefore} {
		if n, ok := known[inode]; ok {
			return n
		}
	}
	return &Netns{Inode: inode, TimeWait: -1}
}

// EachNetns calls f for every namespace of which there are facts, those that ended among them.
func (w *World) EachNetns(f func(*Netns)) {
	for _, known := range [...]map[uint32]*Netns{w.netns, w.ended, w.endedBefore} {
		for _, n := range known {
			f(n)
		}
	}
}

// EachCounts calls f for every namespace whose counts are known.
func (w *World) EachCounts(f func(*NetnsCounts)) {
	for _, c := range w.counts {
		f(c)
	}
}
