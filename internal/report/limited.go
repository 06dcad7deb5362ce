package report

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// detailLimited is a time in which the events between a process and an end were only counted.
type detailLimited struct {
	Process       identity `json:"process"`
	Netns         uint32   `json:"netns"`
	NetnsName     string   `json:"netns_name"`
	Proto         string   `json:"proto"`
	Direction     string   `json:"direction"`
	Addr          string   `json:"addr"` // the destination; of accepted connections the local end
	Port          uint16   `json:"port"`
	Limit         uint64   `json:"limit"` // events per second
	Since         string   `json:"since"`
	Until         string   `json:"until"`          // empty: it goes on
	EventsCounted uint64   `json:"events_counted"` // in the window, and not listed one by one
}

func newDetailLimited(l *snapshot.DetailLimit, clock event.Clock) detailLimited {
	return detailLimited{
		Process: newIdentity(&l.Proc, clock), Netns: l.Netns, NetnsName: l.NetnsName, Proto: l.Proto.String(),
		Direction: l.Direction.String(), Addr: l.End.Host(), Port: l.End.Port, Limit: l.Limit,
		Since: formatTime(l.Since), Until: formatTime(l.Until), EventsCounted: l.Counted,
	}
}

// limited says of which pairs events were only counted: how many, or each.
func (w *writer) limited() {
	list := w.s.DetailLimits
	if len(list) == 0 {
		return
	}
	if !w.Verbose {
		w.item("", phrase.Unlisted(w.s)+" (-v)")
		return
	}
	w.out.WriteString("\nOnly counted, but for a sample of connections (--detail-limit)\n")
	for _, line := range limits(list) {
		w.out.WriteString("  " + line + "\n")
	}
}

// limits says when events of which pairs were only counted, and how many.
func limits(list []snapshot.DetailLimit) (lines []string) {
	for i := range list {
		l := &list[i]
		until := "now"
		if !l.Until.IsZero() {
			until = l.Until.UTC().Format(time.TimeOnly)
		}
		lines = append(lines, fmt.Sprintf("%s to %s  %s: %s", l.Since.UTC().Format(time.TimeOnly), until, phrase.Limited(l), phrase.Plural(l.Counted, "event")))
	}
	return lines
}
