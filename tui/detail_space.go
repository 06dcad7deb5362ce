package tui

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// spaceDetail is one port space in full.
type spaceDetail struct {
	followed[snapshot.PortSpace, spaceKey]
}

func (d *spaceDetail) title() string { return spaceName(d.row, 60) }

func (d *spaceDetail) about() *about {
	s := d.row
	a := &about{netns: []uint32{s.Netns}, local: s.Local, remote: s.Remote}
	for i := range s.Holders {
		a.procs = append(a.procs, s.Holders[i].Proc.ID)
	}
	for i := range s.Victims {
		a.procs = append(a.procs, s.Victims[i].Proc.ID)
	}
	return a
}

// write begins with the answers: how full it is, until when, its holders and victims.
func (d *spaceDetail) write(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	level := pressure(s, now)
	to.field("space", phrase.Purpose(s), plain)
	to.field("in use", useWords(s, to.width), level)
	to.field("headroom", phrase.Headroom(s), level)
	d.writeForecast(to)
	if s.Exhausted > 0 {
		to.field("failures", phrase.Count(s.Exhausted)+" calls found no port, "+phrase.Rate(s.ExhaustionRate)+"/s, last "+
			phrase.Ago(now, s.LastExhausted), level)
	}
	writeHolders(to, s)
	writeVictims(to, s, now)
	if s.Capacity > 0 {
		to.section("Ports in use, each counted once")
		d.writeUse(to)
	}
	if s.Proto != event.UDP { // of which only failures are seen
		to.section("Rates")
		d.writePace(to)
	}
	to.section("Configuration")
	to.field("namespace", phrase.NetnsState(s.NetnsName, s.Netns, s.NetnsGone), plain)
	to.field("range", phrase.PortRange(s), plain)
	switch n := d.snapshot.Namespace(s.Netns); {
	case n == nil:
	case s.Proto == event.UDP:
		to.untrusted("reserved", n.Reserved) // the rest is of TCP
	default:
		writeNamespace(to, n, now)
	}
}

// useWords returns the gauge with its figures.
func useWords(s *snapshot.PortSpace, width int) string {
	if s.Capacity <= 0 {
		long, _ := unknownUse(s)
		return long
	}
	const figures = 22
	room := max(min(width-labelWidth-figures, 45), percentWidth+4)
	return gauge(s, room) + "  " + phrase.Count(s.InUse()) + " of " + phrase.Count(s.Capacity)
}

func (d *spaceDetail) writeForecast(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	forecast := s.Outlook()
	to.field("forecast", phrase.ForecastSentence(&forecast), pressure(s, now))
	to.untrusted("", forecast.Model)
	if since := phrase.FullSince(s, clockLayout); since != "" {
		to.field("full", since+", "+phrase.FullFor(s, now), fail)
	}
}

// writeUse writes the states of the ports in use, each port once.
func (d *spaceDetail) writeUse(to *sheet) {
	s := d.row
	if s.Proto == event.UDP {
		to.field("bound", phrase.Count(s.Bound)+" by UDP sockets that conflict with one on this address", plain)
		to.field("peak", peakWords(s), plain)
		return
	}
	to.field("live", phrase.Count(s.Live)+" held by connections"+notable(int64(s.SynSent), "of them with an unanswered SYN")+
		notable(int64(s.CloseWait), "of them in CLOSE_WAIT"), plain)
	to.field("TIME_WAIT", phrase.TimeWait(s), plain)
	to.field("", phrase.Expiry(s.Expiring), plain)
	to.field("bound", phrase.Count(s.Bound)+" more, reserved by bind() on any address: unavailable to every connect() of the namespace", plain)
	to.field("peak", peakWords(s), plain)
}

// peakWords returns the peak, with its time unless the sockets were found by a scan.
func peakWords(s *snapshot.PortSpace) string {
	if s.PeakAt.IsZero() {
		return phrase.Count(s.Peak) + " in use"
	}
	return phrase.Count(s.Peak) + " in use at " + phrase.Time(s.PeakAt, clockLayout)
}

// writePace writes how fast ports are allocated and what a connect() pays for one.
func (d *spaceDetail) writePace(to *sheet) {
	s := d.row
	verb := "opens"
	if s.Kind == snapshot.BindSpace {
		verb = "binds"
	}
	to.field(verb, phrase.Count(s.Opens)+", "+phrase.Rate(s.OpenRate)+"/s", plain)
	if s.Wanted > s.OpenRate {
		to.field("wanted", phrase.Rate(s.Wanted)+"/s, with the calls that found no port", warn)
	}
	to.field("sustainable", phrase.SustainableSentence(s), plain)
	if s.SearchP50 > 0 {
		to.field("port search", "p50 "+phrase.ShortDuration(s.SearchP50)+", p99 "+phrase.ShortDuration(s.SearchP99)+" within connect()", plain)
	}
	if s.SecondParity > 0 {
		to.field("second half", fmt.Sprintf("%.0f%% of the newest opens got a port of the half of the range that connect() tries last: "+
			"more than half is in use, so each connect() searches longer", s.SecondParity*100), warn)
	}
}

// clockLayout is a moment with its day.
const clockLayout = time.DateTime + " MST"

func writeHolders(to *sheet, s *snapshot.PortSpace) {
	rows := s.Holders
	if s.OtherHolders.Ports() > 0 {
		rows = append(rows[:len(rows):len(rows)], s.OtherHolders)
	}
	if len(rows) == 0 {
		return
	}
	to.section("Holders, most ports first")
	last := &rows[len(rows)-1]
	isOther := func(h *snapshot.Holder) bool { return h == last && s.OtherHolders.Ports() > 0 }
	to.add(listing(holderColumns(isOther), rows, to.width, to.st)...)
}

func writeVictims(to *sheet, s *snapshot.PortSpace, now time.Time) {
	if len(s.Victims) == 0 {
		return
	}
	to.section("Processes without a port, most failures first")
	to.add(listing(victimColumns(now), s.Victims, to.width, to.st)...)
}
