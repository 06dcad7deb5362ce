package whatif

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Changes are what a replay changes of a recorded load. Settings of the system are those of
// Configure.
type Changes struct {
	// Configure returns the system of a namespace, of which the fact may know nothing.
	Configure func(*event.Netns) (*Config, error)
	// Early is whether connections bind() before they connect: as recorded, never or always.
	Early        Binding
	Sources      int // local addresses in the place of each one
	Destinations int // remote ends in the place of each one
	Requests     int // that a connection serves: each recorded one was for one request
	From         event.Time
}

// Binding is when connections get their port.
type Binding uint8

const (
	AsRecorded Binding = iota
	LateBind           // connect() chooses it
	EarlyBind          // bind() does
)

// Replay runs the opens and closes of a recording against a model. Its memory grows with the
// connections that are open at a time.
type Replay struct {
	changes Changes
	survey  *Survey
	exact   bool
	load    Load // for calls that found no port: how long their connections would have lived
	begin   event.Time
	counted bool // beyond Changes.From
	hosts   map[uint32]*host
	order   []*host
	err     error
	notes   map[string]bool
	Notes   []string
}

// host is one network namespace.
type host struct {
	replay *Replay
	engine *engine
	config *Config
	ports  []event.PortRange // of the recording: the range when it began, and what it was changed to
	wait   time.Duration     // the recorded length of TIME_WAIT
	random random

	spaces   map[tuple]*flow
	flows    []*flow // by the number of their first space
	bySpace  map[int32]*flow
	byRemote map[event.Endpoint]*flow // the last that opened to it
	locals   map[event.Addr][]int32
	live     map[tuplePorts]liveConn
	owned    map[uint16]bool
	agenda   agenda
	bursts   []burst
	first    *flow // whose call failed first
	ahead    ahead
	scanned  bool // sockets from before start are known
}

// tuple is what a port space of the recording is for.
type tuple struct {
	local  event.Addr
	remote event.Endpoint
}

type tuplePorts struct{ local, remote event.Endpoint }

// flow is the connections of one port space of the recording, and the spaces of the model in
// its place.
type flow struct {
	tuple
	spaces   []int32
	next     int
	loopback bool
	opens    uint64
	closes   closes
	idle     []liveConn // connections that are kept alive

	// Of connections that were only counted: those of the model, all, and closes beyond those.
	anonymous []liveConn
	counted   uint64
	debts     debts
}

// debts are closes that were counted before it is known which connections they are.
type debts struct{ closes, timeWaits uint64 }

type liveConn struct {
	conn conn
	left int32 // requests that it can still serve, with the one that runs
	ok   bool  // the model had a port for it
}

// NewReplay returns a replay of the recording that was surveyed.
func NewReplay(survey *Survey, changes Changes) *Replay {
	changes.Sources, changes.Destinations = max(changes.Sources, 1), max(changes.Destinations, 1)
	changes.Requests = max(changes.Requests, 1)
	r := &Replay{changes: changes, survey: survey, hosts: map[uint32]*host{}, notes: map[string]bool{}, load: survey.Load()}
	r.exact = changes.Early == AsRecorded && survey.Early > 0 && survey.Early < survey.Opens
	if len(r.load.Lifetimes) == 0 {
		r.load.Lifetime = shortest
	}
	return r
}

// Add takes an event of the recording, in order, with the facts so far.
func (r *Replay) Add(e *event.Event, world *event.World) error {
	if r.begin == 0 {
		r.begin = e.Time
	}
	if !r.counted && e.Time >= r.changes.From {
		r.restart()
	}
	if gap, ok := e.Fact.(*event.Gap); ok && !gap.Truncated {
		for _, h := range r.order {
			h.missed()
		}
	}
	if e.Proto == event.UDP || !replayed[e.Kind] || e.Netns == 0 {
		return nil
	}
	fact := world.Netns(e.Netns)
	h := r.host(fact)
	if r.err != nil {
		return r.err
	}
	h.noteRange(fact.Ports)
	h.advance(int64(e.Time.Sub(r.begin)))
	h.add(e)
	return nil
}

// replayed are the kinds that a replay is made of.
var replayed = map[event.Kind]bool{
	event.Open: true, event.Close: true, event.ConnectFail: true, event.BindFail: true, event.Folded: true,
	event.SocketFound: true, event.SocketGone: true, event.Listen: true, event.ListenEnd: true,
}

// restart begins to count.
func (r *Replay) restart() {
	r.counted = true
	for _, h := range r.order {
		h.engine.restart()
		h.first = nil
		for _, f := range h.flows {
			f.opens, f.closes = 0, closes{}
		}
		clear(h.ahead)
	}
}

func (r *Replay) host(fact *event.Netns) *host {
	if h := r.hosts[fact.Inode]; h != nil {
		return h
	}
	fact = r.survey.Settings(fact)
	config, err := r.changes.Configure(fact)
	var system System
	if err == nil {
		config.Loopback = true // which connections it applies to follows from their address
		system, err = config.Resolve()
	}
	if err != nil {
		r.err = err
		return nil
	}
	if known := r.survey.of(fact.Inode); known.changed {
		which := "the first ones"
		if known.failedOtherwise() {
			which = "those with which calls failed"
		}
		r.note("the settings of a network namespace changed during the recording: " + which + " are used")
	}
	for _, note := range config.Notes {
		r.note(note)
	}
	system.TimerPhase -= time.Duration(r.begin)
	system.ReusePhase -= time.Duration(r.begin)
	h := &host{
		replay: r, config: config, engine: newEngine(system, r.exact), wait: Recorded(fact).System.TimeWait, spaces: map[tuple]*flow{}, bySpace: map[int32]*flow{},
		byRemote: map[event.Endpoint]*flow{}, locals: map[event.Addr][]int32{}, live: map[tuplePorts]liveConn{}, owned: map[uint16]bool{}, ahead: ahead{},
	}
	r.hosts[fact.Inode] = h
	r.order = append(r.order, h)
	return h
}

func (r *Replay) note(text string) {
	if !r.notes[text] {
		r.notes[text] = true
		r.Notes = append(r.Notes, text)
	}
}

// flow returns the connections from one address to one remote end.
func (h *host) flow(local event.Addr, remote event.Endpoint) *flow {
	if h.config.Profile.ByAddress {
		remote.Port = 0
	}
	key := tuple{local, remote}
	f := h.spaces[key]
	if f == nil {
		f = &flow{tuple: key, loopback: remote.Addr.IP().IsLoopback()}
		for _, l := range h.localsOf(local) {
			for range h.replay.changes.Destinations {
				space := h.engine.ports.addSpace(l)
				f.spaces = append(f.spaces, space)
				h.bySpace[space] = f
			}
		}
		h.spaces[key] = f
		h.flows = append(h.flows, f)
	}
	return f
}

// localsOf returns the local addresses of the model in the place of one.
func (h *host) localsOf(local event.Addr) []int32 {
	numbers := h.locals[local]
	if numbers == nil {
		for range h.replay.changes.Sources {
			numbers = append(numbers, h.engine.ports.addLocal())
		}
		h.locals[local] = numbers
	}
	return numbers
}

// flowTo returns the flow of an event that does not have its local address: the one of the last
// connection to its remote end.
func (h *host) flowTo(remote event.Endpoint) *flow {
	if f := h.byRemote[remote]; f != nil {
		return f
	}
	return h.flow(event.Addr{}, remote)
}

// advance moves time, and lets happen what is due.
func (h *host) advance(to int64) {
	for len(h.agenda) > 0 && h.agenda[0].at <= to {
		h.engine.advance(h.agenda[0].at)
		h.happen(h.agenda.pop())
	}
	h.engine.advance(to)
}

// restart counts from now on.
func (e *engine) restart() {
	e.opens, e.failures, e.unplaced, e.first, e.cause, e.overflows = 0, 0, 0, -1, NoCause, 0
	e.mostBuckets = e.nBuckets
	e.ports.restart()
}
