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
	First    event.Time
	Last     event.Time

	// Lifetimes are observed ones, a random choice if there are many.
	Lifetimes []time.Duration
	random    random
	ends      map[event.Endpoint]struct{}
}

const (
	mostLifetimes = 4096
	mostEnds      = 1 << 16
)

// Add takes an event of the recording, in order.
func (s *Survey) Add(e *event.Event) {
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
		}
	case event.Folded:
		if fold, ok := e.Fact.(*event.Fold); ok {
			s.opened(e, fold.Opens)
			s.Ended += fold.ClosesOut
			s.TimeWait += fold.TimeWaitOut
		}
	}
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
