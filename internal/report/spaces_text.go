package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	topSpaces  = 10 // of the fullest spaces: the others have headroom
	topRisks   = 3  // of the spaces at risk, with their holders
	topHolders = 3  // of the holders and victims of a space: the others have few ports
)

// spaces writes the fullest port spaces, and the holders and victims of those at risk.
func (w *writer) spaces() {
	t, listed := w.spaceRows()
	if len(t.rows) == 0 && t.more > 0 {
		w.out.WriteString("\n")
		w.item("", t.title)
	}
	t.write(&w.out)
	w.risks(listed)
}

// spaceRows lists the fullest port spaces, and returns them, too.
func (w *writer) spaceRows() (table, []snapshot.PortSpace) {
	s := w.s
	fullest, _ := snapshot.ColumnNamed(snapshot.SpaceColumns(), "taken")
	listed := w.worthListing(snapshot.Sort(s.PortSpaces, fullest, false))
	t := w.spaceTable()
	for i := range listed {
		t.add(w.spaceCells(&listed[i])...)
	}
	t.title, t.more = "Port spaces: "+phrase.Spaces(s), len(s.PortSpaces)-len(listed)+s.OtherPortSpaces
	return t, listed
}

// risks writes details of the spaces at risk: of few of them, those first from which calls got no
// port. One program can fill all spaces of its address at once.
func (w *writer) risks(listed []snapshot.PortSpace) {
	for _, p := range w.atRisk(listed) {
		w.risk(p)
	}
}

// atRisk returns those of which details are worth reading.
func (w *writer) atRisk(listed []snapshot.PortSpace) (risks []*snapshot.PortSpace) {
	for i := range listed {
		if p := &listed[i]; p.AtRisk(w.s.Wall) && len(p.Holders)+len(p.Victims) > 0 {
			risks = append(risks, p)
		}
	}
	if !w.Verbose {
		slices.SortStableFunc(risks, func(a, b *snapshot.PortSpace) int { return min(len(b.Victims), 1) - min(len(a.Victims), 1) })
		risks = risks[:min(len(risks), topRisks)]
	}
	return risks
}

// spaceTable is a table without rows. In its narrow form the figures that belong together share a
// column.
func (w *writer) spaceTable() table {
	t := table{
		head:     []string{"taken", "space", "in use/of", "live", "syn_sent", "close_wait", "time_wait", "bound", "wants/max", "full", "failed", "netns"},
		left:     "space full netns",
		optional: []string{"syn_sent", "close_wait", "bound", "failed", "netns"},
		common:   "netns",
		width:    w.width(), drop: []string{"bound", "failed", "syn_sent", "close_wait", "netns"}, flex: []string{"space"},
	}
	if w.Verbose {
		t.head = []string{
			"taken", "space", "in use", "capacity", "live", "syn_sent", "close_wait", "time_wait", "bound", "wanted/s", "sustainable", "full",
			"failed", "netns",
		}
		t.optional = []string{"syn_sent", "close_wait"}
	}
	return t
}

func (w *writer) spaceCells(p *snapshot.PortSpace) []string {
	inUse := []string{phrase.Ports(p, p.InUse()), phrase.Capacity(p)}
	rates := []string{oneDecimal(p.Wanted), phrase.Sustainable(p)}
	if !w.Verbose {
		inUse, rates = []string{strings.Join(inUse, "/")}, []string{phrase.Rate(p.Wanted) + "/" + rates[1]}
	}
	return slices.Concat([]string{phrase.Taken(p), phrase.Space(p)}, inUse,
		[]string{
			phrase.StatePorts(p, p.Live), phrase.StatePorts(p, p.SynSent), phrase.StatePorts(p, p.CloseWait), phrase.StatePorts(p, p.TimeWait),
			phrase.Ports(p, p.Bound),
		},
		rates, []string{w.full(p), phrase.Grouped(p.Exhausted), w.netns(p.NetnsName, p.Netns, p.NetnsGone)})
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

// risk writes since when a space is full, which programs hold its ports, and which get none.
func (w *writer) risk(p *snapshot.PortSpace) {
	w.out.WriteByte('\n')
	writeWide(&w.out, "  ", w.riskLine(p))
	w.holders(p)
	if p.Unstamped > 0 && p.Reusable == 0 { // who has set tcp_tw_reuse wonders why
		writeWide(&w.out, "    ", "headroom "+phrase.Headroom(p))
	}
	w.victims(p)
}

// riskLine says since when a space is full, and whether more is wanted of it than it can serve.
func (w *writer) riskLine(p *snapshot.PortSpace) string {
	line := phrase.Space(p) + ": " + status(p, w.s.Wall)
	if p.Sustainable > 0 && p.Wanted > p.Sustainable {
		line += "; " + phrase.Rate(p.Wanted) + "/s wanted, " + phrase.Sustainable(p) + "/s sustainable"
	}
	return line
}

// holders writes which programs hold ports of the space, or which processes.
func (w *writer) holders(p *snapshot.PortSpace) {
	names, holders, rest := w.holdersOf(p)
	for i := range holders[:min(len(holders), topHolders)] {
		fmt.Fprintf(&w.out, "    held by %s: %s\n", names[i], phrase.Held(&holders[i].HeldCount))
	}
	if len(holders) > topHolders || rest.Ports() > 0 {
		w.out.WriteString("    and by others\n")
	}
}

// holdersOf returns the holders of a space with their names, and the sum of those that have none.
func (w *writer) holdersOf(p *snapshot.PortSpace) (names []string, holders []snapshot.Holder, rest snapshot.Holder) {
	rest = snapshot.Holder{HeldCount: p.OtherHolders}
	if w.grouping() == snapshot.ByProcess {
		holders = p.Holders
		for i := range holders {
			names = append(names, phrase.Holder(&holders[i]))
		}
	} else {
		programs, others := p.HoldersByProgram()
		rest = others
		for i := range programs {
			names, holders = append(names, phrase.ProgramHolder(&programs[i])), append(holders, programs[i].Holder)
		}
	}
	return names, holders, rest
}

// victims writes which programs found no port in the space.
func (w *writer) victims(p *snapshot.PortSpace) {
	victims := p.VictimsByProgram()
	for i := range victims[:min(len(victims), topHolders)] {
		v := &victims[i]
		fmt.Fprintf(&w.out, "    no port for %s, last at %s\n", phrase.ProgramVictim(v), phrase.Time(v.Last, time.TimeOnly))
	}
	if more := len(victims) - topHolders; more > 0 {
		fmt.Fprintf(&w.out, "    and for %d more\n", more)
	}
}

// status returns since when the space has been full, or how full it is and when it will be. A report is
// read later: it has the time, not for how long.
func status(p *snapshot.PortSpace, now time.Time) string {
	taken, outlook := phrase.Taken(p)+" taken", p.Outlook()
	exhausted := "NO FREE PORT until " + phrase.Ago(now, p.LastExhausted)
	switch {
	case !p.FullSince.IsZero():
		return "full " + phrase.FullSince(p, time.TimeOnly)
	case p.IsFull():
		return "FULL"
	case p.Capacity <= 0:
		return exhausted
	case p.ExhaustedRecently(now):
		return exhausted + ", now " + taken
	case !outlook.Known:
		return taken
	case outlook.Never:
		return taken + ", never full at this rate"
	}
	return taken + ", full " + phrase.Forecast(&outlook)
}
