package live

import (
	"context"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
)

// Polled is the Source without BPF, of what every user may read: the existing sockets, once
// a second, and how namespaces allocate ports. It knows no failures, and owners only as far
// as /proc shows them.
type Polled struct {
	why        string // BPF cannot be used
	namespaces *namespaces
	scans      *scans
	events     []event.Event
	clock      event.Clock
	begun      bool
	surveyed   time.Time
}

// OpenPolled cannot fail: what may not be read is left out. why is the reason in the signals.
// containerLogs is that of Options.
func OpenPolled(why, containerLogs string) *Polled {
	pods := kubelet.New(containerLogs)
	n := newNamespaces(noConfigs, pods)
	p := &Polled{why: why, namespaces: n, scans: newScans(diagScanner{n.netns})}
	p.scans.describer.pods = pods
	p.scans.counts = newCounts(diagUDP{n.netns}, nil)
	return p
}

// noConfigs lets each namespace be asked by itself.
func noConfigs() ([]event.Netns, error) { return nil, nil }

// Signals returns how each signal is observed.
func (p *Polled) Signals() event.Signals {
	var signals event.Signals
	for _, name := range event.SignalNames() {
		signal := event.Signal{Name: name, Mode: event.Off, Reason: p.why}
		if name == event.SignalCensus {
			signal = event.Signal{
				Name: name, Mode: event.Inferred, Hook: "sock_diag",
				Reason: "sockets are listed once a second; which ports a bind() owns is inferred, and whether a peer sends TCP timestamps is not seen: without them no TIME_WAIT is reused",
			}
		}
		signals = append(signals, signal)
	}
	return signals
}

// Repeat is that of Source.
func (p *Polled) Repeat() { p.scans.repeat() }

// Close waits for the running scan.
func (p *Polled) Close() { p.scans.stop() }

// Read returns what has changed since the last Read.
func (p *Polled) Read(ctx context.Context) (event.Batch, error) {
	p.events = p.events[:0]
	if !p.begun {
		p.begun = true
		return p.begin()
	}
	p.scans.beginIfDue(p.namespaces.targets, monotonic())
	select {
	case <-ctx.Done():
		return p.read(scanPatience, true), ctx.Err()
	case <-time.After(readInterval):
		return p.read(0, false), nil
	}
}

func (p *Polled) begin() (event.Batch, error) {
	now := monotonic()
	p.clock = readClock()
	p.add(now, event.ClockAnchor, p.clock)
	p.add(now, event.HostKnown, Host())
	p.add(now, event.SignalsKnown, p.Signals())
	p.add(now, event.Notice, event.Text("a census only, without failures, and owners only as far as /proc shows them: "+p.why))
	if err := p.namespaces.discover(); err != nil {
		return event.Batch{}, err
	}
	p.survey(now, true)
	p.scans.beginIfDue(p.namespaces.targets, now)
	return p.read(scanPatience, false), nil
}

// read makes the next batch: what a survey has found, if one is due, and a scan that is done.
func (p *Polled) read(patience time.Duration, last bool) (batch event.Batch) {
	done := p.scans.wait(patience)
	if done != nil {
		p.namespaces.vrfs.noteScan(done.netns)
	}
	if last || time.Since(p.surveyed) >= surveyInterval {
		p.survey(monotonic(), last)
	}
	if done != nil {
		p.events, batch.Scan = p.scans.finish(p.events, done, monotonic())
	}
	batch.Events, batch.Now = p.events, monotonic()
	return batch
}

func (p *Polled) survey(now event.Time, whole bool) {
	p.surveyed = time.Now()
	for _, n := range p.namespaces.facts() {
		p.add(now, event.NetnsKnown, &n)
	}
	for _, c := range p.namespaces.countsOf(now, whole) {
		p.add(now, event.NetnsCounted, &c)
	}
	health := &event.Health{}
	addOwnCost(health)
	p.add(now, event.HealthKnown, health)
	if clock := readClock(); clockStepped(p.clock, clock) {
		p.clock = clock
		p.add(now, event.ClockAnchor, clock)
	}
}

func (p *Polled) add(at event.Time, kind event.Kind, fact event.Fact) {
	p.events = append(p.events, event.Event{Time: at, Kind: kind, Fact: fact})
}
