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

// spaces lists the fullest port spaces, and the holders and victims of those at risk.
func (w *writer) spaces() {
	s := w.s
	t := table{
		head: []string{
			"taken", "space", "in use", "capacity", "live", "syn_sent", "close_wait", "time_wait", "bound", "wanted/s", "sustainable", "full",
			"failed", "netns",
		},
		left: "space full netns", optional: []string{"syn_sent", "close_wait", "bound", "failed", "netns", "sustainable"},
		width: w.width(), drop: []string{"netns", "bound", "failed"}, flex: "space",
	}
	fullest, _ := snapshot.ColumnNamed(snapshot.SpaceColumns(), "taken")
	listed := w.worthListing(snapshot.Sort(s.PortSpaces, fullest, false))
	for i := range listed {
		p := &listed[i]
		t.add(phrase.Taken(p), phrase.Space(p), phrase.Ports(p, p.InUse()), phrase.Capacity(p), phrase.StatePorts(p, p.Live),
			phrase.StatePorts(p, p.SynSent), phrase.StatePorts(p, p.CloseWait), phrase.StatePorts(p, p.TimeWait), phrase.Ports(p, p.Bound),
			oneDecimal(p.Wanted), phrase.Sustainable(p), w.full(p), phrase.Grouped(p.Exhausted), w.netns(p.NetnsName, p.Netns, p.NetnsGone))
	}
	t.write(&w.out, "Port spaces: "+phrase.Spaces(s), len(s.PortSpaces)-len(listed)+s.OtherPortSpaces)
	for i := range listed {
		if p := &listed[i]; p.AtRisk(s.Wall) && len(p.Holders)+len(p.Victims) > 0 {
			writeAtRisk(&w.out, p, s.Wall)
		}
	}
}

// worthListing returns the fullest, without those that are idle, gone, or like all others far
// from full.
func (w *writer) worthListing(all []snapshot.PortSpace) []snapshot.PortSpace {
	if w.Verbose {
		return all[:min(len(all), topSpaces)]
	}
	const few, low = 3, 0.05
	var listed []snapshot.PortSpace
	for i := range all {
		p := &all[i]
		bad := p.AtRisk(w.s.Wall) || p.Exhausted > 0
		dead := p.NetnsGone || p.InUse() == 0 && p.Wanted == 0
		if bad || !dead && (p.TakenShare() >= low || len(listed) < few) {
			listed = append(listed, *p)
		}
		if len(listed) == topSpaces {
			break
		}
	}
	return listed
}

// full returns when the space will be full; how sure that is only with all details.
func (w *writer) full(p *snapshot.PortSpace) string {
	outlook := p.Outlook()
	switch {
	case w.Verbose:
		return phrase.Forecast(&outlook)
	case outlook.Known && outlook.Never:
		return phrase.Unknown
	}
	return phrase.When(&outlook)
}

func writeAtRisk(out *bytes.Buffer, s *snapshot.PortSpace, now time.Time) {
	line := phrase.Space(s) + ": " + status(s, now)
	if demand := phrase.Demand(s); demand != nil {
		line += "; " + demand[0]
	}
	out.WriteByte('\n')
	writeWide(out, "  ", line)
	for _, h := range s.Holders[:min(len(s.Holders), topHolders)] {
		fmt.Fprintf(out, "    held by %s: %s\n", phrase.Holder(&h), phrase.Held(&h))
	}
	if len(s.Holders) > topHolders || s.OtherHolders.Ports() > 0 {
		out.WriteString("    and by others\n")
	}
	if s.Unstamped > 0 && s.Reusable == 0 { // who has set tcp_tw_reuse wonders why
		writeWide(out, "    ", "headroom "+phrase.Headroom(s))
	}
	for _, v := range s.Victims[:min(len(s.Victims), topHolders)] {
		fmt.Fprintf(out, "    no port for %s: %s times, last at %s\n", phrase.Process(v.Proc.ID, v.Proc.Comm),
			phrase.Grouped(v.Failures), phrase.Time(v.Last, time.TimeOnly))
	}
	if more := len(s.Victims) - topHolders; more > 0 {
		fmt.Fprintf(out, "    and for %d more\n", more)
	}
}

// status has the time since when the space is full: a report is read later.
func status(s *snapshot.PortSpace, now time.Time) string {
	if since := phrase.FullSince(s, time.TimeOnly); since != "" {
		return "full " + since
	}
	return phrase.Status(s, now)[0]
}
