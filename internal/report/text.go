package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// topRows is the number of rows listed of a table. JSON has all.
const topRows = 20

const timeLayout = "2006-01-02 15:04:05"

func text(s *snapshot.Snapshot, findings []doctor.Finding, by snapshot.Grouping) []byte {
	var out bytes.Buffer
	writeHead(&out, s)
	headline, _ := phrase.Headline(s)
	fmt.Fprintf(&out, "\n%s\n", headline[0])
	writeFindings(&out, s, findings)
	out.WriteString("\n")
	writeTotals(&out, s)
	writeSpaces(&out, s, by)
	writeNamespaces(&out, s)
	if by == snapshot.ByProcess {
		writeProcesses(&out, s)
	} else {
		writeGroups(&out, s, by)
	}
	writeDestinations(&out, s)
	if by == snapshot.ByProcess {
		writeFailures(&out, s)
	} else {
		writeFailurePrograms(&out, s)
	}
	writeSignals(&out, s.Signals)
	writeHealth(&out, s)
	writeGaps(&out, s)
	writeNotices(&out, s.Notices)
	return out.Bytes()
}

func writeHead(out *bytes.Buffer, s *snapshot.Snapshot) {
	out.WriteString("porttrace report")
	if h := s.Host; h.Name != "" {
		out.WriteString(printable.String(fmt.Sprintf(" of %s, Linux %s %s", h.Name, h.Kernel, h.Arch)))
	}
	out.WriteString("\n")
	fmt.Fprintf(out, "%s to %s UTC, %.1f s\n", s.Started.UTC().Format(timeLayout), s.Wall.UTC().Format(timeLayout),
		s.Elapsed.Seconds())
	if s.Host.PIDNS != "" {
		const head = "pids are those of " // older recordings have it in the fact
		fmt.Fprintf(out, "%s%s\n", head, printable.String(strings.TrimPrefix(s.Host.PIDNS, head)))
	}
}

func writeTotals(out *bytes.Buffer, s *snapshot.Snapshot) {
	t := &s.Totals
	fmt.Fprintf(out, "seen  %s opened (%.1f/s now), %s closed, %s entered TIME_WAIT; %s\n",
		phrase.Grouped(t.Opens), s.Rates.Opens, phrase.Grouped(t.Closes()), phrase.Grouped(t.TimeWaitEntered), phrase.Failed(s))
	fmt.Fprintf(out, "now   %s open, %s with an unanswered SYN, %s in CLOSE_WAIT; TIME_WAIT %s outgoing%s, %s accepted (they hold no port), %s of connections that are not known; %s sockets from before start\n",
		phrase.Grouped(t.Live()), phrase.Grouped(t.SynSent), phrase.Grouped(t.CloseWait), phrase.Grouped(t.TimeWaitOut), inFinWait2(s),
		phrase.Grouped(t.TimeWaitIn), phrase.Grouped(t.TimeWaitOther), phrase.Grouped(t.BeforeStart))
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

func writeProcesses(out *bytes.Buffer, s *snapshot.Snapshot) {
	t := table{
		head: []string{"pid", "command", "opens", "opens/s", "live", "time_wait", "failed", "lifetime", "in"},
		left: "command in",
	}
	for _, p := range top(s.Processes) {
		row := append([]string{phrase.PID(p.Info.ID), p.Info.Program()}, totalCells(&p.Totals, p.Rates)...)
		t.add(append(row, group(&p.Info))...)
	}
	if s.OtherProcesses != nil {
		t.add(append([]string{"", "all others"}, totalCells(&s.OtherProcesses.Totals, s.OtherProcesses.Rates)...)...)
	}
	t.write(out, "Processes", len(s.Processes)-topRows)
}

func writeDestinations(out *bytes.Buffer, s *snapshot.Snapshot) {
	t := table{
		head: []string{"destination", "opens", "opens/s", "live", "time_wait", "failed", "lifetime", "netns"},
		left: "destination netns",
	}
	for _, d := range top(s.Destinations) {
		row := append([]string{d.Remote.String() + phrase.ProtoSuffix(d.Proto)}, totalCells(&d.Totals, d.Rates)...)
		t.add(append(row, phrase.NetnsState(d.NetnsName, d.Netns, d.NetnsGone))...)
	}
	if s.OtherDestinations != nil {
		t.add(append([]string{"all others"}, totalCells(&s.OtherDestinations.Totals, s.OtherDestinations.Rates)...)...)
	}
	t.write(out, "Destinations", len(s.Destinations)-topRows)
}

func writeFailures(out *bytes.Buffer, s *snapshot.Snapshot) {
	t := table{
		head: []string{"count", "per s", "pid", "command", "call", "error", "reason", "address", "last", "holder"},
		left: "command call error reason address holder",
	}
	for _, f := range top(s.Failures) {
		reason := f.Reason.String()
		if f.Inferred&(event.FieldErrno|event.FieldReason) != 0 {
			reason += " (inferred)"
		}
		t.add(phrase.Grouped(f.Count), fmt.Sprintf("%.1f", f.Rate), phrase.PID(f.Proc.ID), f.Proc.Program(),
			f.Op.String(), f.Errno.String(), reason, f.Target.String()+phrase.ProtoSuffix(f.Proto), f.Last.UTC().Format(time.TimeOnly), heldBy(f.HeldBy))
	}
	if other := s.OtherFailures; other != nil {
		t.add(phrase.Grouped(other.Count), fmt.Sprintf("%.1f", other.Rate), "", "all others", "", "", "", "", other.Last.UTC().Format(time.TimeOnly), "")
	}
	t.write(out, "Failures", len(s.Failures)-topRows)
	for i := range s.Sweeps[:min(len(s.Sweeps), topRows)] {
		fmt.Fprintf(out, "  %s\n", phrase.Sweep(&s.Sweeps[i], s.Wall))
	}
}

func writeSignals(out *bytes.Buffer, signals event.Signals) {
	t := table{head: []string{"signal", "mode", "hook", "why"}, left: "signal mode hook why"}
	for _, signal := range signals {
		t.add(signal.Name, string(signal.Mode), signal.Hook, signal.Reason)
	}
	t.write(out, "Signals", 0)
}

func writeHealth(out *bytes.Buffer, s *snapshot.Snapshot) {
	h := &s.Health
	fmt.Fprintf(out, "\nHealth\n  %s events%s, %s lost, %s without detail, %s filtered, %s without owner, %s runs skipped by the kernel; "+
		"porttrace used %s of CPU and %d MiB\n",
		phrase.Grouped(h.Events), selectedEvents(s), phrase.Grouped(h.Lost), phrase.Grouped(h.LostDetails), phrase.Grouped(h.Filtered),
		phrase.Grouped(h.Unattributed), phrase.Grouped(h.Missed), phrase.Duration(time.Duration(h.CPU)), h.Memory>>20)
}

// selectedEvents says how many events are the filter's. All the rest of the health is the
// host's: a filter does not make porttrace see less.
func selectedEvents(s *snapshot.Snapshot) string {
	if !s.Filtered {
		return ""
	}
	return fmt.Sprintf(" on the host (%s selected)", phrase.Grouped(s.SelectedEvents))
}

// writeGaps lists the missing parts of a recording, newest last.
func writeGaps(out *bytes.Buffer, s *snapshot.Snapshot) {
	shown := s.Gaps[max(len(s.Gaps)-topRows, 0):]
	if more := s.OlderGaps + uint64(len(s.Gaps)-len(shown)); more > 0 {
		fmt.Fprintf(out, "  %d earlier parts of the recording are missing\n", more)
	}
	for _, g := range shown {
		end := "to an unknown time"
		if !g.End.IsZero() {
			end = "to " + g.End.UTC().Format(timeLayout)
		}
		fmt.Fprintf(out, "  missing from %s %s: the recording is %s\n", g.Begin.UTC().Format(timeLayout), end, g.Cause())
	}
}

func writeNotices(out *bytes.Buffer, notices []snapshot.Notice) {
	if len(notices) == 0 {
		return
	}
	out.WriteString("\nNotices\n")
	for _, n := range notices {
		fmt.Fprintf(out, "  %s  %s\n", n.At.UTC().Format(time.TimeOnly), printable.String(n.Text))
	}
}

func heldBy(h *snapshot.HeldBy) string {
	if h == nil {
		return ""
	}
	return phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn)
}
