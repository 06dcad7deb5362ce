package live

import (
	"context"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Polled is the last rung: a stream without BPF, of what everybody may read. It has the
// sockets that there are, once a second, and how namespaces hand out ports. Whose they are,
// and what failed, it does not know.
type Polled struct {
	why    string // BPF cannot be used
	around surroundings
	census census
	events []event.Event
	clock  event.Clock
	begun  bool
	survey time.Time
}

// OpenPolled cannot fail: what may not be read is left out. why is told in the signals.
func OpenPolled(why string) *Polled {
	p := &Polled{why: why, around: newSurroundings(noConfigs)}
	p.census = newCensus(plainEyes{p.around.spaces})
	return p
}

// noConfigs: each namespace is asked by itself.
func noConfigs() ([]event.Netns, error) { return nil, nil }

// Signals says how each signal is seen.
func (p *Polled) Signals() event.Signals {
	var signals event.Signals
	for _, name := range event.SignalNames() {
		signal := event.Signal{Name: name, Mode: event.Off, Reason: p.why}
		if name == event.SignalCensus {
			signal.Mode, signal.Hook = event.Inferred, "sock_diag"
			signal.Reason = "sockets are listed once a second; which ports a bind() owns is inferred"
		}
		signals = append(signals, signal)
	}
	return signals
}

// Close waits for the census that is under way.
func (p *Polled) Close() { p.census.wait(time.Minute) }

// Read returns what has changed since the last Read.
func (p *Polled) Read(ctx context.Context) (event.Batch, error) {
	p.events = p.events[:0]
	if !p.begun {
		p.begun = true
		return p.begin()
	}
	var ended error
	select {
	case <-ctx.Done():
		ended = ctx.Err()
	case <-time.After(readEvery):
	}
	patience := time.Duration(0)
	if ended != nil {
		patience = censusPatience
	}
	p.look(patience, ended != nil)
	return event.Batch{Events: p.events, Now: monotonic()}, ended
}

func (p *Polled) begin() (event.Batch, error) {
	now := monotonic()
	host, err := Host()
	if err != nil {
		return event.Batch{}, err
	}
	p.clock = readClock()
	p.add(now, event.ClockAnchor, p.clock)
	p.add(now, event.HostKnown, host)
	p.add(now, event.SignalsKnown, p.Signals())
	p.add(now, event.Notice, event.Text("a census only, without failures, and owners only as far as /proc shows them: "+p.why))
	if err := p.around.begin(); err != nil {
		return event.Batch{}, err
	}
	p.addSurvey(now)
	p.census.begin(p.around.inodes(), now)
	p.look(censusPatience, false)
	return event.Batch{Events: p.events, Now: monotonic()}, nil
}

// look takes the census that is done and begins the next.
func (p *Polled) look(patience time.Duration, last bool) {
	now := monotonic()
	if time.Since(p.survey) >= surveyEvery {
		p.addSurvey(now)
	}
	if done := p.census.wait(patience); done != nil {
		p.events = p.census.finish(p.events, done, monotonic())
	}
	if !last {
		p.census.begin(p.around.inodes(), now)
	}
}

func (p *Polled) addSurvey(now event.Time) {
	p.survey = time.Now()
	begin := len(p.events)
	for _, n := range p.around.facts() {
		p.add(now, event.NetnsKnown, &n)
	}
	p.census.follow(p.events[begin:])
	health := &event.Health{}
	measure(health)
	p.add(now, event.HealthKnown, health)
	if clock := readClock(); clockStepped(p.clock, clock) {
		p.clock = clock
		p.add(now, event.ClockAnchor, clock)
	}
}

func (p *Polled) add(at event.Time, kind event.Kind, fact event.Fact) {
	p.events = append(p.events, event.Event{Time: at, Kind: kind, Fact: fact})
}
