package report

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// detailLimited is a process and an end, between which events were only counted.
type detailLimited struct {
	Process       identity `json:"process"`
	Netns         uint32   `json:"netns"`
	NetnsName     string   `json:"netns_name"`
	Proto         string   `json:"proto"`
	Direction     string   `json:"direction"`
	Addr          string   `json:"addr"` // the destination; of accepted connections the local end
	Port          uint16   `json:"port"`
	Limit         uint64   `json:"limit"`          // events per second
	Since         string   `json:"since"`          // the first time
	Until         string   `json:"until"`          // empty: it goes on
	Times         int      `json:"times"`          // how often it was limited
	EventsCounted uint64   `json:"events_counted"` // in the window, and not listed one by one
}

func newDetailLimited(l *snapshot.DetailLimit, clock event.Clock) detailLimited {
	return detailLimited{
		Process: newIdentity(&l.Proc, clock), Netns: l.Netns, NetnsName: l.NetnsName, Proto: l.Proto.String(),
		Direction: l.Direction.String(), Addr: l.End.Host(), Port: l.End.Port, Limit: l.Limit,
		Since: formatTime(l.Since), Until: formatTime(l.Until), Times: l.Times, EventsCounted: l.Counted,
	}
}

// otherLimits sums up the pairs that are not listed.
type otherLimits struct {
	Pairs         int    `json:"pairs"`          // how many
	EventsCounted uint64 `json:"events_counted"` // of all of these
}

func newOtherLimits(s *snapshot.Snapshot) otherLimits {
	pairs, events := s.OtherLimits(len(s.DetailLimits))
	return otherLimits{pairs, events}
}

// limited says of which pairs events were only counted: how many, or each.
func (w *writer) limited() {
	total := phrase.Unlisted(w.s)
	if total == "" {
		return
	}
	if !w.Verbose {
		w.item("", total+" (-v)")
		return
	}
	w.out.WriteString("\n" + limitsTitle + "\n")
	for _, line := range limits(w.s) {
		w.out.WriteString("  " + line + "\n")
	}
}

const limitsTitle = "Only counted, but for a sample of connections (--detail-limit)"

// limits says how many events of which pairs were only counted, and when: the total first.
func limits(s *snapshot.Snapshot) (lines []string) {
	total := phrase.Unlisted(s)
	if total == "" {
		return nil
	}
	lines = append(lines, total)
	for i := range s.DetailLimits {
		l := &s.DetailLimits[i]
		lines = append(lines, phrase.LimitTimes(l)+"  "+phrase.Limited(l)+": "+phrase.Plural(l.Counted, "event"))
	}
	if others := phrase.OtherLimits(s, len(s.DetailLimits)); others != "" {
		lines = append(lines, others)
	}
	return lines
}
