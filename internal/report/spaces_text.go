package report

import (
	"bytes"
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	topSpaces  = 10 // of the fullest spaces: the others have headroom
	topHolders = 3  // of the holders and victims of a space: the others have few ports
)

// writeSpaces lists the fullest port spaces, and the holders and victims of those at risk.
func writeSpaces(out *bytes.Buffer, s *snapshot.Snapshot, by snapshot.Grouping) {
	t := table{
		head: []string{"taken", "space", "in use", "capacity", "live", "time_wait", "bound", "wanted/s", "sustainable", "full", "failed", "netns"},
		left: "space full netns",
	}
	fullest, _ := snapshot.ColumnNamed(snapshot.SpaceColumns(), "taken")
	listed := snapshot.Sort(s.PortSpaces, fullest, false)
	listed = listed[:min(len(listed), topSpaces)]
	for i := range listed {
		p := &listed[i]
		outlook := p.Outlook()
		t.add(phrase.Taken(p), phrase.Space(p), phrase.Ports(p, p.InUse()), phrase.Capacity(p), phrase.StatePorts(p, p.Live),
			phrase.StatePorts(p, p.TimeWait), phrase.Ports(p, p.Bound), fmt.Sprintf("%.1f", p.Wanted), phrase.Sustainable(p),
			phrase.Forecast(&outlook), phrase.Grouped(p.Exhausted), phrase.NetnsState(p.NetnsName, p.Netns, p.NetnsGone))
	}
	t.write(out, "Port spaces: "+phrase.Spaces(s), len(s.PortSpaces)-len(listed)+s.OtherPortSpaces)
	for i := range listed {
		if p := &listed[i]; p.AtRisk(s.Wall) && len(p.Holders)+len(p.Victims) > 0 {
			writeAtRisk(out, p, s.Wall, by)
		}
	}
}

func writeAtRisk(out *bytes.Buffer, s *snapshot.PortSpace, now time.Time, by snapshot.Grouping) {
	fmt.Fprintf(out, "\n  %s: %s", phrase.Space(s), status(s, now))
	if demand := phrase.Demand(s); demand != nil {
		out.WriteString("; " + demand[0])
	}
	out.WriteByte('\n')
	if by == snapshot.ByProcess {
		writeHolders(out, s)
	} else {
		writeHolderPrograms(out, s)
	}
	if s.Unstamped > 0 && s.Reusable == 0 { // who has set tcp_tw_reuse wonders why
		fmt.Fprintf(out, "    headroom %s\n", phrase.Headroom(s))
	}
	if by == snapshot.ByProcess {
		writeVictims(out, s)
	} else {
		writeVictimPrograms(out, s)
	}
}

// status has the time since when the space is full: a report is read later.
func status(s *snapshot.PortSpace, now time.Time) string {
	if since := phrase.FullSince(s, time.TimeOnly); since != "" {
		return "full " + since
	}
	return phrase.Status(s, now)[0]
}
