package playback

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Timeline is a recording as a whole: what happened in it when. It never changes once it is
// made, so it can be read from any goroutine.
type Timeline struct {
	// Rough says that it is made of the counts in the file: they are of the whole host, whatever
	// a filter selects, it is not known how full a port space was, and the incidents are intervals
	// with failures, to the length of a piece of the file.
	Rough     bool
	Judged    bool       // the incidents have what porttrace doctor finds, which comes last
	Stretches []Stretch  // in order, each beginning at the end of the one before, bounded
	Incidents []Incident // by their beginnings, bounded
	fills     map[snapshot.SpaceID]*curve
}

// Stretch is what happened in a part of a recording, of what the filter selects.
type Stretch struct {
	Begin, End event.Time
	Opens      uint64
	Failures   uint64  // calls that failed; without those that gave up too early to mean anything
	Damaged    bool    // a part of it cannot be read
	FillKnown  bool    // false: the rest is zero
	Fill       float64 // the share that was taken of the fullest port space, 0 to 1
	Fullest    snapshot.SpaceID
}

// IncidentKind is what an incident is.
type IncidentKind uint8

const (
	Failing IncidentKind = iota // calls of a program fail
	Full                        // a port space has no port left
	Found                       // what porttrace doctor finds
	Damage                      // a part of the recording cannot be read
)

// Incident is something that happened in a recording, worth seeing.
type Incident struct {
	Kind       IncidentKind
	Begin, End event.Time // End is that of the recording if it went on to it
	Text       string     // in plain words, for a line: "nginx: 7,731 failures"
	// Space is the port space of a Full; else zero.
	Space snapshot.SpaceID
}

// MaxStretches is how many a Timeline has at most.
const MaxStretches = 2000

// together is the time within which incidents begin at one stop: the ports run out, calls fail,
// and a finding begins.
const together = 2 * time.Second

// Next returns where the first incident after a moment begins. Of several that begin shortly
// after each other it is the beginning of the last one, when all can be seen.
func (t *Timeline) Next(at event.Time) (event.Time, bool) {
	for stop := range t.stops {
		if stop > at {
			return stop, true
		}
	}
	return 0, false
}

// Previous returns where the last incident before a moment begins, as Next does. Of a rough
// timeline the incident can have begun shortly before the moment at which it is seen.
func (t *Timeline) Previous(at event.Time) (before event.Time, found bool) {
	if t.Rough {
		at = at.Add(-together)
	}
	for stop := range t.stops {
		if stop >= at {
			break
		}
		before, found = stop, true
	}
	return before, found
}

// stops are where incidents begin, in order.
func (t *Timeline) stops(yield func(event.Time) bool) {
	for i := 0; i < len(t.Incidents); {
		first := t.Incidents[i].Begin
		stop := first
		for i < len(t.Incidents) && t.Incidents[i].Begin.Sub(first) <= together {
			stop = t.Incidents[i].Begin
			i++
		}
		if !yield(stop) {
			return
		}
	}
}
