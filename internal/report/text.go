package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
)

const (
	// topRows is the number of rows listed of a table, allRows with all details. JSON has all.
	topRows = 8
	allRows = 20
	// tableWidth bounds a table, unless it is to have all columns.
	tableWidth = 100
)

const timeLayout = "2006-01-02 15:04:05"

// TextOptions choose what the text has.
type TextOptions struct {
	// By groups the processes; empty: by executable if one has many processes, else not at all.
	By snapshot.Grouping
	// Verbose adds all columns and rows, the namespaces, how it was traced, and what was lost.
	Verbose bool
	// Recording is the name of the file that is reported; empty: this host, now.
	Recording string
	// Baseline is what it is compared with; nil: nothing.
	Baseline *Baseline
	// Unmatched says that the filter has selected nothing; empty if it has, or there is none.
	Unmatched string
}

// writer writes the text of one snapshot.
type writer struct {
	TextOptions
	out  bytes.Buffer
	s    *snapshot.Snapshot
	page bool // tables are as wide as they need, and longer
}

func text(s *snapshot.Snapshot, findings []doctor.Finding, opts TextOptions) []byte {
	w := &writer{TextOptions: opts, s: s}
	findings = doctor.Sorted(findings, false)
	said := w.verdict(findings)
	w.head()
	w.box(&said)
	w.findings(&said, findings)
	w.comparison()
	if opts.Unmatched == "" {
		w.totals()
	}
	w.spaces()
	for _, t := range []table{w.processes(), w.destinations()} {
		t.write(&w.out)
	}
	w.failed()
	w.observed()
	return w.out.Bytes()
}

// verdict is what is said first, also of a filter that has selected nothing.
func (w *writer) verdict(findings []doctor.Finding) verdict.Verdict {
	said := verdict.Of(w.s, findings)
	if w.Unmatched != "" && said.Level <= verdict.Unknown { // nothing was to be seen
		return verdict.Verdict{Level: verdict.Unknown, Title: "NOTHING MATCHES THE FILTER", Lines: []string{w.Unmatched + "."}}
	}
	return said
}

func (w *writer) head() {
	w.out.WriteString(printable.String(w.heading()) + "\n")
	for _, line := range w.about() {
		w.out.WriteString(printable.String(line) + "\n")
	}
}

// heading says what is reported of.
func (w *writer) heading() string {
	h := &w.s.Host
	if h.Name == "" {
		return "porttrace report"
	}
	return fmt.Sprintf("porttrace report of %s, Linux %s %s", h.Name, h.Kernel, h.Arch)
}

// about says of which time, and whose pids are listed.
func (w *writer) about() []string {
	s := w.s
	lines := []string{fmt.Sprintf("%s to %s UTC, %.1f s", s.Started.UTC().Format(timeLayout), s.Wall.UTC().Format(timeLayout), s.Elapsed.Seconds())}
	if s.Host.PIDNS != "" {
		const head = "pids are those of " // older recordings have it in the fact
		lines = append(lines, head+strings.TrimPrefix(s.Host.PIDNS, head))
	}
	return lines
}

// totals are what happened and what exists, in two items.
func (w *writer) totals() {
	w.out.WriteString("\n")
	w.item("seen  ", w.happened())
	w.item("now   ", w.exists())
}

// happened counts what was seen since the start.
func (w *writer) happened() string {
	s, t := w.s, &w.s.Totals
	if phrase.CensusOnly(s) {
		return "only the sockets that exist: opens, closes and " + phrase.Failed(s)
	}
	return fmt.Sprintf("%s opened (%s/s now), %s closed, %s entered TIME_WAIT; %s",
		phrase.Grouped(t.Opens), oneDecimal(s.Rates.Opens), phrase.Grouped(t.Closes()), phrase.Grouped(t.TimeWaitEntered), phrase.Failed(s))
}

// exists counts the sockets of now. What is zero is named only with all details.
func (w *writer) exists() string {
	s, t := w.s, &w.s.Totals
	parts := []string{phrase.Grouped(t.Live()) + " open"}
	part := func(n int64, what string) {
		if n != 0 || w.Verbose {
			parts = append(parts, phrase.Grouped(n)+" "+what)
		}
	}
	part(t.SynSent, "with an unanswered SYN")
	part(t.CloseWait, "in CLOSE_WAIT")
	timeWait := fmt.Sprintf("TIME_WAIT %s outgoing%s", phrase.Grouped(t.TimeWaitOut), inFinWait2(s))
	parts = append(parts, timeWait)
	part(t.TimeWaitIn, "accepted (they hold no port)")
	part(t.TimeWaitOther, "of connections that are not known")
	now := strings.Join(parts, ", ")
	if t.BeforeStart != 0 || w.Verbose {
		now += "; " + phrase.Plural(t.BeforeStart, "socket") + " from before start"
	}
	return now
}

// inFinWait2 returns how many of the outgoing buckets wait for the peer's FIN.
func inFinWait2(s *snapshot.Snapshot) string {
	n := 0
	for i := range s.PortSpaces {
		n += s.PortSpaces[i].FinWait2
	}
	if n == 0 {
		return ""
	}
	return " (" + phrase.Grouped(n) + " of them in FIN_WAIT2)"
}

// processes lists processes, or groups of them.
func (w *writer) processes() table {
	by := w.grouping()
	if by != snapshot.ByProcess {
		return w.groups(by)
	}
	t := w.totalsTable([]string{"pid", "command"}, []string{"in"})
	listed := w.listed(w.s.Processes)
	for _, p := range listed[:min(len(listed), w.rows())] {
		row := append([]string{phrase.PID(p.Info.ID), commandOf(&p.Info)}, totalCells(&p.Totals, p.Rates)...)
		t.add(append(row, group(&p.Info))...)
	}
	if other := w.s.OtherProcesses; other != nil {
		t.add(append([]string{"", "all others"}, totalCells(&other.Totals, other.Rates)...)...)
	}
	t.title, t.more = "Processes", w.more(len(listed))
	return t
}

// commandOf returns the name of a process. Sockets that no process is known of are one row.
func commandOf(p *event.Process) string {
	if !p.ID.Known() {
		return "owner not known"
	}
	return p.Comm
}

// listed leaves out processes of which there is nothing to say.
func (w *writer) listed(all []snapshot.Process) []snapshot.Process {
	return slices.DeleteFunc(slices.Clone(all), func(p snapshot.Process) bool { return idle(&p.Totals) && !w.Verbose })
}

func (w *writer) destinations() table {
	t := w.totalsTable([]string{"destination"}, []string{"netns"})
	t.left = "destination netns"
	listed := slices.DeleteFunc(slices.Clone(w.s.Destinations), func(d snapshot.Destination) bool {
		return !w.Verbose && (idle(&d.Totals) || d.NetnsGone && d.Failed() == 0)
	})
	for _, d := range listed[:min(len(listed), w.rows())] {
		row := append([]string{d.Remote.String() + phrase.ProtoSuffix(d.Proto)}, totalCells(&d.Totals, d.Rates)...)
		t.add(append(row, w.netns(d.NetnsName, d.Netns, d.NetnsGone))...)
	}
	if other := w.s.OtherDestinations; other != nil {
		t.add(append([]string{"all others"}, totalCells(&other.Totals, other.Rates)...)...)
	}
	t.title, t.more = "Destinations", w.more(len(listed))
	return t
}

// netns returns the name of a namespace. The host's own needs none, unless all is wanted.
func (w *writer) netns(name string, inode uint32, gone bool) string {
	if w.onlyHost() {
		return ""
	}
	return phrase.NetnsState(name, inode, gone)
}

// onlyHost reports whether nothing is known of any namespace but the host's.
func (w *writer) onlyHost() bool {
	if w.Verbose {
		return false
	}
	other := func(name string) bool { return name != "host" }
	return !slices.ContainsFunc(w.s.Destinations, func(d snapshot.Destination) bool { return other(d.NetnsName) }) &&
		!slices.ContainsFunc(w.s.PortSpaces, func(p snapshot.PortSpace) bool { return other(p.NetnsName) }) &&
		!slices.ContainsFunc(w.s.Failures, func(f snapshot.Failure) bool { return other(f.NetnsName) })
}

func (w *writer) width() int {
	if w.Verbose || w.page {
		return 0
	}
	return tableWidth
}

// rows is how many rows of a table are listed.
func (w *writer) rows() int {
	if w.Verbose || w.page {
		return allRows
	}
	return topRows
}

// more returns how many rows of a table are not listed.
func (w *writer) more(all int) int { return all - w.rows() }

// item writes a text that begins with a mark, wrapped.
func (w *writer) item(mark, text string) { writeItem(&w.out, mark, printable.String(text)) }
