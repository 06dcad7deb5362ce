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
	followed[snapshot.PortSpace, snapshot.SpaceID]
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

// write begins with the answers: how full it is, until when, its holders and victims. All of it is
// on the first page of a low terminal; what explains the figures comes after.
func (d *spaceDetail) write(to *sheet) {
	s := d.row
	d.writeState(to)
	d.writeSummary(to)
	if picture := pictureLines(s, curveOf(s, d.snapshot.Wall, to.replay, to.st), to.width, detailPicture, to.st); len(picture) > 0 {
		to.add(picture...)
	}
	writeHolders(to, d.snapshot, s)
	writeVictims(to, d.snapshot, s)
	d.writeDestination(to)
	if s.Capacity > 0 {
		to.section("Ports in use, each counted once")
		d.writeUse(to)
	}
	if s.Proto != event.UDP { // of which only failures are seen
		to.section("Rates")
		d.writePace(to)
	}
	d.writeConfiguration(to)
}

// detailPicture is the height of the map and the curve in a detail.
const detailPicture = 9

// writeState writes whether it is full, since or until when.
func (d *spaceDetail) writeState(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	forecast := s.Outlook()
	text := phrase.ForecastSentence(&forecast)
	layout := clockLayout
	if to.width < narrow {
		layout = time.TimeOnly
	}
	if since := phrase.FullSince(s, layout); since != "" {
		text = "FULL " + since + ", " + phrase.FullFor(s, now)
	}
	to.field("full", text, pressure(s, now))
}

func (d *spaceDetail) writeSummary(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	level := pressure(s, now)
	to.field("in use", useWords(s, to.width), level)
	if text := phrase.Headroom(s); text != phrase.Count(s.Capacity-s.InUse()) { // else the line above says it
		to.field("left", text, level)
	}
	to.field("range", rangeWords(s, to.width), plain)
	if s.Proto != event.UDP {
		wanted := plain
		if s.Sustainable > 0 && s.Wanted > s.Sustainable {
			wanted = level
		}
		text := phrase.Rate(s.Wanted) + "/s wanted, " + phrase.Rate(s.OpenRate) + "/s succeed; sustainable: " + phrase.SustainableSentence(s)
		if to.width < narrow {
			text = phrase.Rate(s.Wanted) + "/s wanted, " + phrase.Sustainable(s) + "/s sustainable"
		}
		to.field("rate", text, wanted)
	}
	to.field("frees", phrase.Expiry(s.Expiring), plain)
	if s.Exhausted > 0 {
		to.field("failures", phrase.Plural(s.Exhausted, "call")+" found no port, "+phrase.Rate(s.ExhaustionRate)+"/s, last "+
			phrase.Ago(now, s.LastExhausted), level)
	}
}

// The range that the kernel has unless it is changed (Documentation/networking/ip-sysctl.rst).
const usualLow, usualHigh = 32768, 60999

// rangeWords returns the range, and whether it is the usual one.
func rangeWords(s *snapshot.PortSpace, width int) string {
	text := phrase.PortRange(s)
	if s.Range.Known() && width < narrow {
		text = fmt.Sprintf("%d-%d", s.Range.Low, s.Range.High)
	}
	switch {
	case !s.Range.Known() || s.Range.Low == usualLow && s.Range.High == usualHigh:
		return text
	case s.Range.Size() < usualHigh-usualLow+1:
		return text + ", narrower than 32768-60999"
	}
	return text + ", wider than 32768-60999"
}

// narrow is the width below which a detail has short forms.
const narrow = 70

// writeDestination leads to the row of the destination.
func (d *spaceDetail) writeDestination(to *sheet) {
	s := d.row
	if s.Kind != snapshot.ConnectSpace {
		return
	}
	key := destinationKey{s.Netns, s.Proto, s.Remote}
	to.section("See also")
	to.link("destination", remoteEnd(s.Proto, s.Remote, to.width), plain, key, func() subject { return destinationOf(d.snapshot, key) })
}

func (d *spaceDetail) writeConfiguration(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	to.section("Configuration")
	to.field("space", phrase.Purpose(s), plain)
	to.field("namespace", phrase.NetnsState(s.NetnsName, s.Netns, s.NetnsGone), plain)
	switch n := d.snapshot.Namespace(s.Netns); {
	case n == nil:
	case s.Proto == event.UDP:
		to.untrusted("reserved", n.Reserved) // the rest is of TCP
	default:
		writeNamespace(to, n, now)
	}
}

// useWords returns the gauge with its figures: its percentage is not of the ports in use if some of those
// can be reused.
func useWords(s *snapshot.PortSpace, width int) string {
	if s.Capacity <= 0 {
		long, _ := unknownUse(s)
		return long
	}
	const figures = 22
	share := ""
	if s.Reusable > 0 {
		share = " taken"
	}
	room := max(min(width-labelWidth-figures-len(share), 45), percentWidth+4)
	return gauge(s, room) + share + "  " + phrase.Count(s.InUse()) + " of " + phrase.Count(s.Capacity)
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
	to.untrusted("forecast", s.Forecast.Model)
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

func writeHolders(to *sheet, snap *snapshot.Snapshot, s *snapshot.PortSpace) {
	rows := holderRows(s)
	if len(rows) == 0 {
		return
	}
	to.add("")
	listing(to, holderColumns(), rows, func(h *holderRow) (any, func() subject) {
		return h.Program.ProgramKey, func() subject { return programOf(snap, &h.Program) }
	})
}

func writeVictims(to *sheet, snap *snapshot.Snapshot, s *snapshot.PortSpace) {
	victims := s.VictimsByProgram()
	if len(victims) == 0 {
		return
	}
	to.add("")
	listing(to, victimColumns(snap.Wall), victims, func(v *snapshot.ProgramVictim) (any, func() subject) {
		return victimKey(v.Program.ProgramKey), func() subject { return programOf(snap, &v.Program) }
	})
}
