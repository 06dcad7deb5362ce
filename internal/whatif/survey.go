package whatif

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Survey is what a recording says of its load as a whole. A replay needs it before it begins.
type Survey struct {
	Opens    uint64 // connections that were opened, those without details too
	Refused  uint64 // calls that found no port: they wanted a connection
	Early    uint64 // of Opens: bind() before connect
	Closes   uint64 // whose lifetime is known
	TimeWait uint64 // closes, of all, that left a TIME_WAIT or FIN_WAIT2 here
	Ended    uint64 // all closes
	Kernel   string // release of the recorded host, empty: not known
	First    event.Time
	Last     event.Time

	// Lifetimes are observed ones, a random choice if there are many.
	Lifetimes []time.Duration
	random    random
	ends      map[event.Endpoint]struct{}
	netns     map[uint32]*surveyed
}

// surveyed is what is known of one network namespace.
type surveyed struct {
	opens    uint64
	fact     event.Netns
	timeWait time.Duration // as it was measured, 0: not, or as it is by default
	known    event.Netns   // the first settings that are known, with the timers of the kernel
	changed  bool          // they did later
	failing  event.Netns   // the settings as a call first found no port, zero: none did
}

// failedOtherwise reports whether calls may have failed with other settings than the first ones.
func (s *surveyed) failedOtherwise() bool { return s.changed && s.failing.Ports.Known() }

// learn takes a fact of the namespace. What is known of it comes by and by.
func (s *surveyed) learn(fact *event.Netns) {
	if s.known.TimerStep == 0 {
		s.known.TimerStep, s.known.TimerAt = fact.TimerStep, fact.TimerAt
	}
	switch {
	case !fact.Ports.Known():
	case !s.known.Ports.Known():
		step, at := s.known.TimerStep, s.known.TimerAt
		s.known = *fact
		s.known.TimerStep, s.known.TimerAt = step, at
	case s.known.Ports != fact.Ports || s.known.Reserved != fact.Reserved || s.known.Reuse != fact.Reuse:
		s.changed = true
	}
}

// asUsual is by how much a measured length of TIME_WAIT may differ from the default one.
const asUsual = 3 * time.Second

const (
	mostLifetimes = 4096
	mostEnds      = 1 << 16
)

// Add takes an event of the recording, in order, with the facts so far.
func (s *Survey) Add(e *event.Event, world *event.World) {
	if world.Host.Kernel != "" {
		s.Kernel = world.Host.Kernel
	}
	switch fact := e.Fact.(type) {
	case *event.Census:
		if fact.TimeWait > 0 {
			s.of(fact.Netns).timeWait = time.Duration(fact.TimeWait)
		}
	case *event.Netns:
		s.of(fact.Inode).learn(fact)
	}
	if e.Kind == event.Open && !e.Flags.Has(event.NotSelected) {
		if n := s.of(e.Netns); n.opens == 0 {
			n.fact = *world.Netns(e.Netns)
		}
		s.of(e.Netns).opens++
	}
	if e.Flags.Has(event.NotSelected) || e.Proto == event.UDP || e.Direction == event.In {
		return
	}
	switch e.Kind {
	case event.Open:
		s.opened(e, 1)
		if e.Flags.Has(event.EarlyBind) {
			s.Early++
		}
	case event.Close:
		s.closed(e)
	case event.ConnectFail, event.BindFail:
		if wanted(e) {
			s.Refused += max(e.Count, 1)
			s.span(e)
			if n := s.of(e.Netns); !n.failing.Ports.Known() {
				n.failing = *world.Netns(e.Netns)
			}
		}
	case event.Folded:
		if fold, ok := e.Fact.(*event.Fold); ok {
			s.opened(e, fold.Opens)
			s.Ended += fold.ClosesOut
			s.TimeWait += fold.TimeWaitOut
		}
	}
}

func (s *Survey) of(netns uint32) *surveyed {
	n := s.netns[netns]
	if n == nil {
		if s.netns == nil {
			s.netns = map[uint32]*surveyed{}
		}
		n = &surveyed{}
		s.netns[netns] = n
	}
	return n
}

// Settings returns the settings of a network namespace as far as the recording has them at any
// time, with the length of TIME_WAIT that was measured, if that is not the usual one. If they changed,
// they are those with which calls failed.
func (s *Survey) Settings(fact *event.Netns) *event.Netns {
	n, known := *fact, s.of(fact.Inode)
	switch {
	case known.failedOtherwise():
		n = known.failing
	case !n.Ports.Known() && known.known.Ports.Known():
		n = known.known
	}
	if n.TimerStep == 0 {
		n.TimerStep, n.TimerAt = known.known.TimerStep, known.known.TimerAt
	}
	if n.TimeWaitSetting == 0 && known.timeWait > 0 && (known.timeWait-recordedWait).Abs() > asUsual {
		n.TimeWaitSetting = uint64(known.timeWait)
	}
	return &n
}

// Busiest returns the settings of the network namespace with most opens, nil if there are none.
func (s *Survey) Busiest() *event.Netns {
	var busiest *surveyed
	for _, n := range s.netns {
		if n.opens > 0 && (busiest == nil || n.opens > busiest.opens || n.opens == busiest.opens && n.fact.Inode < busiest.fact.Inode) {
			busiest = n
		}
	}
	if busiest == nil {
		return nil
	}
	return s.Settings(&busiest.fact)
}

// wanted reports whether a failed call is one that found no port.
func wanted(e *event.Event) bool {
	return e.Reason == event.RangeExhausted && !e.Flags.Has(event.HadPort) && e.Op != event.OpListen
}

func (s *Survey) opened(e *event.Event, n uint64) {
	if n == 0 {
		return
	}
	s.Opens += n
	s.span(e)
	if s.ends == nil {
		s.ends = map[event.Endpoint]struct{}{}
	}
	if len(s.ends) < mostEnds && e.Dst.Known() {
		s.ends[e.Dst] = struct{}{}
	}
}

func (s *Survey) span(e *event.Event) {
	if s.First == 0 {
		s.First = e.Time
	}
	s.Last = max(s.Last, e.Time)
}

func (s *Survey) closed(e *event.Event) {
	if e.Direction != event.Out {
		return
	}
	s.Ended++
	if e.Flags&(event.TimeWait|event.FinWait2) != 0 {
		s.TimeWait++
	}
	if e.Duration == 0 {
		return
	}
	s.Closes++
	lifetime := time.Duration(e.Duration)
	if len(s.Lifetimes) < mostLifetimes {
		s.Lifetimes = append(s.Lifetimes, lifetime)
	} else if i := s.random.below(int(s.Closes)); i < mostLifetimes {
		s.Lifetimes[i] = lifetime
	}
}

// Load returns a made-up load like the recorded one.
func (s *Survey) Load() Load {
	l := Load{Lifetimes: s.Lifetimes, Destinations: max(len(s.ends), 1)}
	if seconds := s.Last.Sub(s.First).Seconds(); seconds > 0 {
		l.Rate = float64(s.Opens+s.Refused) / seconds
	}
	if s.Ended > 0 {
		l.ServerCloses = 1 - float64(s.TimeWait)/float64(s.Ended)
	}
	if s.Opens > 0 {
		l.EarlyBind = float64(s.Early) / float64(s.Opens)
	}
	return l
}
