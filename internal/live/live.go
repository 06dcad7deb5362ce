// Package live is the Source that watches this host: it merges what the kernel
// programs say with what /proc and the network namespaces know into one ordered stream.
package live

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/probe"
)

const (
	// readEvery is how long events wait in the ring. At 60,000 a second they fill a
	// tenth of it.
	readEvery = 50 * time.Millisecond
	// surveyEvery is how often what does not come as events is looked up: folded
	// counts, health, namespaces, the clock.
	surveyEvery = time.Second
	// minRoom is for how many events room is always kept.
	minRoom = 1 << 13
	// trimEvery bounds how often memory is given back, which takes some ms.
	trimEvery = 10 * time.Second
)

// Options are those of the probe and what concerns this host.
type Options struct {
	Probe probe.Options
	// ReadEvery overrides how long events wait in the ring; 0 is the default.
	ReadEvery time.Duration
	// LookEvery overrides how often all sockets are looked at, whatever that costs; 0: as
	// often as takes a hundredth of a processor, and once a second at most.
	LookEvery time.Duration
}

// Source is the live stream. It is for one goroutine.
type Source struct {
	probe     *probe.Probe
	around    surroundings
	listeners listeners
	finWaits  finWaits
	targets   targets
	census    census
	said      chan string
	every     time.Duration
	events    []event.Event
	clock     event.Clock
	nextLook  time.Time
	trimmed   time.Time // when memory was given back last
	begun     bool
}

// Open attaches to the kernel. Close must be called.
func Open(opts Options) (*Source, error) {
	if ns, host, err := pidNamespace(); err == nil && !host {
		opts.Probe.PIDNS = ns
	}
	p, err := probe.Open(opts.Probe)
	if err != nil {
		return nil, err
	}
	s := &Source{
		probe:     p,
		around:    newSurroundings(p.Namespaces),
		listeners: newListeners(),
		targets:   newTargets(opts.Probe.Targets),
		finWaits:  newFinWaits(monotonic()),
		said:      make(chan string, 16),
		every:     opts.ReadEvery,
	}
	s.census = newCensus(exactEyes{p, s.around.spaces})
	s.census.every = opts.LookEvery
	if s.every == 0 {
		s.every = readEvery
	}
	if opts.Probe.Children {
		if err := s.selectDescendants(opts.Probe.Targets); err != nil {
			p.Close()
			return nil, err
		}
	}
	return s, nil
}

// Signals says how each signal is seen here.
func (s *Source) Signals() event.Signals { return s.probe.Signals() }

// Counts are what became of the events of each kind, see probe.KindCounts.
func (s *Source) Counts() ([]probe.KindCounts, error) { return s.probe.Counts() }

// Close detaches from the kernel.
func (s *Source) Close() {
	s.census.wait(time.Minute) // it reads through the probe
	s.probe.Close()
}

// Read waits for the next visit to the rings and returns what they held. When the
// context ends it returns what is left together with the context's error.
func (s *Source) Read(ctx context.Context) (event.Batch, error) {
	if !s.begun {
		s.begun = true
		return s.begin()
	}
	var ended error
	select {
	case <-ctx.Done():
		ended = ctx.Err()
	case <-time.After(s.every):
	}
	s.trim()
	s.events = s.events[:0]
	patience := time.Duration(0)
	if ended != nil {
		patience = censusPatience
	}
	now, err := s.read(patience, ended != nil)
	if err != nil {
		return event.Batch{}, err
	}
	return event.Batch{Events: s.events, Now: now}, ended
}

// trim gives back the memory that a storm has taken, a look at very many sockets, or the
// start: on a quiet host the collector would come by for it after minutes.
func (s *Source) trim() {
	if s.trimmed.IsZero() || cap(s.events) > max(minRoom, 8*len(s.events)) && time.Since(s.trimmed) > trimEvery {
		s.trimmed = time.Now()
		s.events = nil
		debug.FreeOSMemory()
	}
}

// read appends what has happened, and returns up to when: what happens while it is at work
// is left for the next time. A census that is done by then goes behind all that happened
// before its end.
func (s *Source) read(patience time.Duration, last bool) (now event.Time, err error) {
	done := s.census.wait(patience)
	now = monotonic()
	begin := len(s.events)
	if s.events, err = s.probe.Read(s.events); err != nil {
		return now, err
	}
	s.completeFrom(begin)
	s.events = s.finWaits.release(s.events, s.around.spaces, now, last)
	if !time.Now().Before(s.nextLook) || last {
		s.nextLook = time.Now().Add(surveyEvery)
		if err := s.survey(now, last); err != nil {
			return now, err
		}
	}
	s.census.follow(s.events[begin:])
	if done != nil {
		s.events = s.census.finish(s.events, done, now)
	}
	if !last {
		s.census.begin(s.around.inodes(), now)
	}
	for i := range s.events[begin:] {
		now = max(now, s.events[begin+i].Time) // some came while the rings were read
	}
	return now, nil
}

// begin is the head of the stream: where it is made, and how well it sees.
func (s *Source) begin() (event.Batch, error) {
	now := monotonic()
	host, err := Host()
	if err != nil {
		return event.Batch{}, err
	}
	s.clock = readClock()
	s.events = append(s.events[:0],
		event.Event{Time: now, Kind: event.ClockAnchor, Fact: s.clock},
		event.Event{Time: now, Kind: event.HostKnown, Fact: host},
		event.Event{Time: now, Kind: event.SignalsKnown, Fact: s.probe.Signals()})
	if err := s.around.begin(); err != nil {
		return event.Batch{}, err
	}
	go s.listeners.seed(s.around.spaces)
	s.addNamespaces(now)
	s.census.follow(s.events)
	s.census.begin(s.around.inodes(), now)
	s.nextLook = time.Now().Add(surveyEvery)
	now, err = s.read(censusPatience, false)
	return event.Batch{Events: s.events, Now: now}, err
}

// survey looks up what does not come as events; the last time it leaves nothing behind.
func (s *Source) survey(now event.Time, last bool) error {
	s.takeSeeds(now)
	begin := len(s.events)
	var err error
	if s.events, err = s.probe.ReadPendingBinds(s.events, now, last); err != nil {
		return err
	}
	if s.events, err = s.probe.ReadFolds(s.events); err != nil {
		return err
	}
	s.completeFrom(begin)
	health, err := readHealth(s.probe)
	if err != nil {
		return err
	}
	s.add(now, event.HealthKnown, health)
	s.addNamespaces(now)
	if clock := readClock(); clockStepped(s.clock, clock) {
		s.clock = clock
		s.add(now, event.ClockAnchor, clock)
	}
	if text := s.targets.ended(); text != "" {
		s.add(now, event.Notice, event.Text(text))
	}
	select {
	case text := <-s.said:
		s.add(now, event.Notice, event.Text(text))
	default:
	}
	return nil
}

// Say puts a line for the user into the stream, from any goroutine. Lines that nobody
// has read yet are few: it drops what there is no room for.
func (s *Source) Say(text string) {
	select {
	case s.said <- text:
	default:
	}
}

func (s *Source) add(at event.Time, kind event.Kind, fact event.Fact) {
	s.events = append(s.events, event.Event{Time: at, Kind: kind, Fact: fact})
}

func (s *Source) addNamespaces(now event.Time) {
	for _, n := range s.around.facts() {
		s.add(now, event.NetnsKnown, &n)
	}
}

// Host is this host.
func Host() (*event.Host, error) {
	name, release, err := uname()
	if err != nil {
		return nil, fmt.Errorf("asking for the host's name: %w", err)
	}
	h := &event.Host{Name: name, Kernel: release, Arch: runtime.GOARCH}
	if inode, host, err := pidNamespace(); err == nil && !host {
		h.PIDNS = fmt.Sprintf("pids are those of pid namespace %d, not the host's", inode)
	}
	return h, nil
}
