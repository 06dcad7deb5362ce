package tui

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// writeTotals writes the totals of a process, a group or a destination, with their course.
func writeTotals(to *sheet, t *snapshot.Totals, r snapshot.Rates, points []snapshot.Point) {
	room := min(max(to.width-labelWidth-36, 0), len(points))
	to.course("opens/s", phrase.Rate(r.Opens), sparkline(openCounts(points), room), phrase.Count(t.Opens)+" since the start", opened)
	to.course("closes/s", phrase.Rate(r.Closes), sparkline(closeCounts(points), room), phrase.Count(t.Closes())+" since the start", quiet)
	if t.Failed() > 0 {
		to.course("failures/s", phrase.Rate(r.Failures), sparkline(failureCounts(points), room),
			fmt.Sprintf("%s connect, %s bind", phrase.Count(t.ConnectFailures), phrase.Count(t.BindFailures)), fail)
	}
	to.field("sockets", phrase.Count(t.Live())+" open"+notable(t.SynSent, "SYN_SENT (a SYN was sent again)")+
		notable(t.CloseWait, "CLOSE_WAIT (the peer has closed, the program has not)")+notable(int64(t.Binds), "binds")+
		notable(t.BeforeStart, "from before start"), socketsTone(t))
	to.field("TIME_WAIT", fmt.Sprintf("%s outgoing, %s accepted, %s entered",
		phrase.Count(t.TimeWaitOut), phrase.Count(t.TimeWaitIn), phrase.Count(t.TimeWaitEntered)), plain)
	if t.Unlisted > 0 {
		to.field("not listed", phrase.Plural(t.Unlisted, "event")+" (opens, closes, binds) only counted: lifetimes are those of the others", quiet)
	}
	if t.LifetimeP50 > 0 || t.LifetimeP99 > 0 {
		to.field("lifetime", "half of the connections ended within "+phrase.ShortDuration(t.LifetimeP50)+", 99 % within "+phrase.ShortDuration(t.LifetimeP99), plain)
	}
}

func socketsTone(t *snapshot.Totals) tone {
	if t.SynSent > 0 || t.CloseWait > 0 {
		return warn
	}
	return plain
}

// course appends a rate, its course, and what it adds up to.
func (s *sheet) course(label, rate, line, sum string, t tone) {
	s.lines = append(s.lines, " "+s.st.paint(quiet, pad(label, labelWidth, false))+" "+pad(rate, 8, true)+" "+
		s.st.paint(t, line)+" "+s.st.paint(quiet, sum))
}

func notable(n int64, what string) string {
	if n <= 0 {
		return ""
	}
	return ", " + phrase.Count(n) + " " + what
}

// writeLifetimes writes how long connections lived, a line for each power of ten.
func writeLifetimes(to *sheet, l *snapshot.Lifetimes) {
	classes := l.Decades()
	var top uint64
	for i := range classes {
		top = max(top, classes[i].Count)
	}
	if top == 0 {
		return
	}
	to.section("Lifetimes of the connections that ended")
	last := time.Duration(0)
	for i := range classes {
		c := &classes[i]
		label := "< " + phrase.ShortDuration(c.Below)
		if c.Below == 0 {
			label = "≥ " + phrase.ShortDuration(last)
		}
		last = c.Below
		room := max(to.width-labelWidth-14, 0)
		bar := pad(bars8(float64(c.Count)/float64(top), room), room, false)
		to.lines = append(to.lines, " "+to.st.paint(quiet, pad(label, labelWidth, true))+" "+to.st.paint(opened, bar)+" "+pad(phrase.Count(c.Count), 9, true))
	}
}

// writeSeen writes the times of the first and the last event.
func writeSeen(to *sheet, now, first, last time.Time) {
	if first.IsZero() {
		return
	}
	to.field("seen", first.Format(time.DateTime)+" to "+last.Format(time.DateTime+" MST")+", "+phrase.Ago(now, last), plain)
}
