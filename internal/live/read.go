package live

import (
	"context"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// readInterval is how long events wait in the ring. At 60,000 a second they fill a
	// tenth of it.
	readInterval = 50 * time.Millisecond
	// quietFactor is how much longer they may wait if fewer than quietEvents came last time: to wake up
	// costs a quiet host most of what reading costs it, and a storm of which detail is limited, too.
	quietFactor = 2
	quietEvents = 256
	// leastInterval is how long they wait at least when a storm begins of which detail will be limited.
	leastInterval = 5 * time.Millisecond
	// surveyInterval is how often what does not come as events is looked up: folded
	// counts, health, namespaces, the clock.
	surveyInterval = time.Second
	// minRoom is the number of events for which room is always kept.
	minRoom = 1 << 11
)

// Read waits for the next visit to the rings and returns what they held. When the
// context ends it returns what is left together with the context's error.
func (s *Source) Read(ctx context.Context) (event.Batch, error) {
	if !s.begun {
		s.begun = true
		return s.begin()
	}
	s.scans.beginIfDue(s.namespaces.targets, monotonic())
	select {
	case <-ctx.Done():
		batch, err := s.read(scanPatience, true)
		if err != nil {
			return event.Batch{}, err
		}
		return batch, ctx.Err()
	case <-time.After(s.pause()):
		return s.read(0, false)
	}
}

// pause returns for how long events may wait in the rings.
func (s *Source) pause() time.Duration {
	pause := s.interval
	if s.quiet {
		pause *= quietFactor
	}
	if s.interval > readInterval { // a test lets the rings fill
		return pause
	}
	return min(pause, max(leastInterval, s.probe.LimitDue()))
}

// begin returns the head of the stream: the facts of the host, and how each signal is
// observed.
func (s *Source) begin() (event.Batch, error) {
	now := monotonic()
	s.clock = readClock()
	s.add(now, event.ClockAnchor, s.clock)
	s.add(now, event.HostKnown, Host())
	s.add(now, event.SignalsKnown, s.probe.Signals())
	if err := s.namespaces.discover(); err != nil {
		return event.Batch{}, err
	}
	s.completer.listeners.search(s.namespaces.netns)
	s.addNamespaces(now, true)
	s.scans.beginIfDue(s.namespaces.targets, now)
	s.nextSurvey = time.Now().Add(surveyInterval)
	return s.readInto(s.events, scanPatience, false)
}

// read makes the next batch. The last time it leaves nothing behind.
func (s *Source) read(patience time.Duration, last bool) (event.Batch, error) {
	s.trim()
	s.trimEvents()
	return s.readInto(s.events[:0], patience, last)
}

// readInto appends what has happened by now: what happens while it is at work is left for
// the next time. A scan that is done by then comes after all that happened before its end.
func (s *Source) readInto(events []event.Event, patience time.Duration, last bool) (batch event.Batch, err error) {
	batch.Scanning = s.scans.running
	done := s.scans.wait(patience)
	now := monotonic()
	begin := len(events)
	s.events = events
	if s.events, err = s.probe.Read(s.events); err != nil {
		return event.Batch{}, err
	}
	s.quiet = len(s.events)-begin < quietEvents
	s.events = s.completer.completeFrom(s.events, begin)
	s.events = s.completer.finWaits.release(s.events, now, last)
	s.scans.counts.failing.observe(s.events[begin:])
	if done != nil {
		s.namespaces.vrfs.noteScan(done.netns)
	}
	// Before a scan is delivered, so that all that was only counted by then comes before it.
	if last || done != nil || !time.Now().Before(s.nextSurvey) {
		s.nextSurvey = time.Now().Add(surveyInterval)
		if err := s.survey(now, last); err != nil {
			return event.Batch{}, err
		}
	}
	if done != nil {
		s.scans.limited = s.probe.Limiting()
		s.events, batch.Scan = s.scans.finish(s.events, done, now)
	}
	batch.Now = now
	for i := range s.events[begin:] {
		batch.Now = max(batch.Now, s.events[begin+i].Time) // some came while the rings were read
	}
	batch.Events = s.events
	return batch, nil
}

// survey looks up what does not come as events.
func (s *Source) survey(now event.Time, last bool) error {
	s.events = s.completer.listeners.takeFound(s.events, now)
	begin := len(s.events)
	var err error
	if s.events, err = s.probe.ReadPendingBinds(s.events, now, last); err != nil {
		return err
	}
	if s.events, err = s.addUnsent(s.events, now); err != nil {
		return err
	}
	if s.events, err = s.probe.ReadFolds(s.events, now); err != nil {
		return err
	}
	s.events = s.completer.completeFrom(s.events, begin)
	s.events = s.completer.unnamed.add(s.events, now)
	s.scans.counts.failing.observe(s.events[begin:])
	health, err := readHealth(s.probe)
	if err != nil {
		return err
	}
	s.scans.observe(health)
	s.add(now, event.HealthKnown, health)
	s.addNamespaces(now, last)
	if clock := readClock(); clockStepped(s.clock, clock) {
		s.clock = clock
		s.add(now, event.ClockAnchor, clock)
	}
	if text := s.targets.ended(); text != "" {
		s.add(now, event.Notice, event.Text(text))
	}
	select {
	case text := <-s.notices:
		s.add(now, event.Notice, event.Text(text))
	default:
	}
	return nil
}

func (s *Source) add(at event.Time, kind event.Kind, fact event.Fact) {
	s.events = append(s.events, event.Event{Time: at, Kind: kind, Fact: fact})
}

// addNamespaces adds the facts of all namespaces, and their counts: of all if that is whole.
func (s *Source) addNamespaces(now event.Time, whole bool) {
	for _, n := range s.namespaces.facts() {
		s.add(now, event.NetnsKnown, &n)
	}
	for _, c := range s.namespaces.countsOf(now, whole) {
		s.add(now, event.NetnsCounted, &c)
	}
}
