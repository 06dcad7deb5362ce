package replay

import (
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxFindings is how many findings are incidents, the most urgent.
const maxFindings = 190

// findings places what porttrace doctor finds in the time of the stream. Findings have times of
// the wall clock, which can be set while a recording is made: each is converted by the clock of
// the snapshot with which it came.
type findings struct {
	begin, end event.Time // of the recording
	newest     []doctor.Finding
	moments    map[time.Time]event.Time
	seen       map[findingKey]event.Time // when it was found first
}

type findingKey struct {
	id    string
	netns uint32
}

func newFindings(begin, end event.Time) findings {
	return findings{begin: begin, end: end, moments: map[time.Time]event.Time{}, seen: map[findingKey]event.Time{}}
}

// set replaces the findings by those of all snapshots up to the newest.
func (f *findings) set(list []doctor.Finding, newest *snapshot.Snapshot) {
	f.newest = list
	for i := range list {
		one := &list[i]
		if key := (findingKey{one.ID, one.Subject.Netns}); f.seen[key] == 0 {
			f.seen[key] = newest.At
		}
		for _, at := range []time.Time{one.Since, one.Until} {
			if _, known := f.moments[at]; !known && !at.IsZero() {
				f.moments[at] = newest.At.Add(-newest.Wall.Sub(at))
			}
		}
	}
}

// list returns the findings that need attention.
func (f *findings) list() []playback.Incident {
	var list []playback.Incident
	for i := range f.newest {
		one := &f.newest[i]
		if one.Severity <= doctor.Info || len(list) >= maxFindings {
			continue
		}
		n := playback.Incident{Kind: playback.Found, Begin: f.begin, End: f.end, Text: one.Summary}
		switch {
		case !one.Since.IsZero():
			n.Begin = f.within(f.moments[one.Since])
		case f.noClock():
			n.Begin = f.seen[findingKey{one.ID, one.Subject.Netns}]
		}
		if !one.Until.IsZero() {
			n.End = max(n.Begin, f.within(f.moments[one.Until]))
		}
		list = append(list, n)
	}
	return list
}

// noClock reports whether the recording does not say what time it was, so that no finding has one.
func (f *findings) noClock() bool { return len(f.moments) == 0 }

// within returns the nearest moment of the recording.
func (f *findings) within(at event.Time) event.Time { return min(max(at, f.begin), f.end) }
