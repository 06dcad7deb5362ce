package tui

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// spaceDetail is all about one port space.
type spaceDetail struct {
	row      *snapshot.PortSpace
	snapshot *snapshot.Snapshot
}

func (d *spaceDetail) title() string { return spaceName(d.row, 60) }

func (d *spaceDetail) update(s *snapshot.Snapshot) bool {
	for i := range s.PortSpaces {
		if keyOfSpace(&s.PortSpaces[i]) == keyOfSpace(d.row) {
			d.row, d.snapshot = &s.PortSpaces[i], s
			return true
		}
	}
	return false
}

// write begins with the answers: how full, until when, by whom, and at whose cost.
func (d *spaceDetail) write(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	level := pressure(s, now)
	to.field("space", spaceWords(s), plain)
	to.field("in use", useWords(s, to.width), level)
	to.field("headroom", headroomWords(s), level)
	d.writeForecast(to)
	if s.Exhausted > 0 {
		to.field("failures", count(s.Exhausted)+" calls found no port, "+rate(s.ExhaustionRate)+"/s, the last "+
			ago(now, s.LastExhausted), level)
	}
	writeHolders(to, s)
	writeVictims(to, s, now)
	if s.Capacity > 0 {
		to.section("What takes the ports, each counted once")
		d.writeUse(to)
	}
	to.section("How fast they are taken")
	d.writePace(to)
	to.section("Where they come from")
	to.field("namespace", netns(s.NetnsName, s.Netns), plain)
	to.field("range", portRange(s), plain)
	if n := d.snapshot.Namespace(s.Netns); n != nil {
		writeNamespace(to, n, now)
	}
}

// useWords is the gauge with the figures that it shows.
func useWords(s *snapshot.PortSpace, width int) string {
	if s.Capacity <= 0 {
		return rangeUnknown
	}
	const figures = 22
	room := max(min(width-labelWidth-figures, 45), percentWidth+4)
	return gauge(s, room) + "  " + count(s.InUse()) + " of " + count(s.Capacity)
}

// spaceWords says what draws from the space.
func spaceWords(s *snapshot.PortSpace) string {
	if s.Kind == snapshot.BindSpace {
		return "bind() to port 0 on " + localName(s) + ": it takes ports that no socket there has, whatever it is connected to"
	}
	return "connect() from " + localName(s) + " to " + remoteEnd(s.Proto, s.Remote, 2*maxName) + "; other destinations have their own"
}

func (d *spaceDetail) writeForecast(to *sheet) {
	s, now := d.row, d.snapshot.Wall
	forecast := s.Outlook()
	to.field("forecast", forecastWords(&forecast), pressure(s, now))
	to.outside("", forecast.Model)
	switch {
	case s.FullBefore:
		to.field("full", "since before "+clockTime(s.Full)+", over "+elapsed(now.Sub(s.Full)), fail)
	case !s.Full.IsZero():
		to.field("full", "since "+clockTime(s.Full)+", "+elapsed(now.Sub(s.Full)), fail)
	}
}

func headroomWords(s *snapshot.PortSpace) string {
	switch {
	case s.Capacity <= 0:
		return "not known"
	case s.Reusable > 0:
		return count(s.Headroom()) + ", and " + count(s.Reusable) + " in TIME_WAIT that would be reused (tcp_tw_reuse)"
	}
	return count(s.Headroom())
}

// writeUse says what takes the ports, each port once.
func (d *spaceDetail) writeUse(to *sheet) {
	s := d.row
	to.field("live", count(s.Live)+" held by connections"+notable(int64(s.SynSent), "of them with the SYN unanswered")+
		notable(int64(s.CloseWait), "of them in CLOSE_WAIT"), plain)
	to.field("TIME_WAIT", count(s.TimeWait)+" closed here first, each for 60 s from its end", plain)
	to.field("", endsWords(s.Expiring), plain)
	to.field("bound", count(s.Bound)+" more that a bind() owns on any address: lost to every connect() of the namespace", plain)
	to.field("peak", peakWords(s), plain)
}

// peakWords has no time where sockets were found and not seen to open.
func peakWords(s *snapshot.PortSpace) string {
	if s.PeakAt.IsZero() {
		return count(s.Peak) + " in use"
	}
	return count(s.Peak) + " in use at " + clockTime(s.PeakAt)
}

// writePace is how ports are taken and what a connect() pays for one.
func (d *spaceDetail) writePace(to *sheet) {
	s := d.row
	verb := "opens"
	if s.Kind == snapshot.BindSpace {
		verb = "binds"
	}
	to.field(verb, count(s.Opens)+", "+rate(s.OpenRate)+"/s", plain)
	to.field("sustainable", sustainableWords(s), plain)
	if s.SearchP50 > 0 {
		to.field("port search", "p50 "+lifetime(s.SearchP50)+", p99 "+lifetime(s.SearchP99)+" within connect()", plain)
	}
	if s.SecondHalf > 0 {
		to.field("second half", fmt.Sprintf("%.0f%% of the newest opens got a port of the half that is tried last: "+
			"more than half of the range is in use, and each connect() searches longer", s.SecondHalf*100), warn)
	}
}

func clockTime(t time.Time) string { return t.Format(time.DateTime + " MST") }

func sustainableWords(s *snapshot.PortSpace) string {
	if s.Sustainable <= 0 {
		return "not known yet"
	}
	text := sustainable(s) + "/s for ever, as connections live and end here"
	if s.Textbook > 0 {
		text += fmt.Sprintf("; %.1f/s by the rule of thumb, ports / 60 s", s.Textbook)
	}
	return text
}

func forecastWords(f *snapshot.Forecast) string {
	switch {
	case !f.Known:
		return "not known yet"
	case f.Never && f.Interval() != "":
		return "never full at this rate; " + f.Interval() + ", if it is as high as it may be"
	case f.Never:
		return "never full at this rate"
	}
	return "full " + f.String()
}

func writeHolders(to *sheet, s *snapshot.PortSpace) {
	rows := s.Holders
	if s.OtherHolders.Ports() > 0 {
		rows = append(rows[:len(rows):len(rows)], s.OtherHolders)
	}
	if len(rows) == 0 {
		return
	}
	to.section("Who holds the ports, most first")
	last := &rows[len(rows)-1]
	isOther := func(h *snapshot.Holder) bool { return h == last && s.OtherHolders.Ports() > 0 }
	to.add(listing(holderColumns(isOther), rows, to.width, to.st)...)
}

func writeVictims(to *sheet, s *snapshot.PortSpace, now time.Time) {
	if len(s.Victims) == 0 {
		return
	}
	to.section("Who gets none, most failures first")
	to.add(listing(victimColumns(now), s.Victims, to.width, to.st)...)
}
