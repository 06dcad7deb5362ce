package doctor

import (
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Verdict returns the severity of the worst finding, also of one that is over: Info if there is
// none that needs attention.
func Verdict(findings []Finding) Severity {
	worst := Info
	for i := range findings {
		worst = max(worst, findings[i].Severity)
	}
	return worst
}

// Headline returns the worst finding in a line, and how many more need attention; empty without
// any.
func Headline(findings []Finding) string {
	worst := Worst(findings)
	if worst == nil {
		return ""
	}
	text := worst.Summary
	if !worst.Until.IsZero() {
		text = "until " + phrase.Time(worst.Until, "15:04:05") + ": " + text
	}
	if others := len(Sorted(findings, false)) - 1; others > 0 {
		text += "; " + phrase.Plural(others, "more finding")
	}
	return text
}

// Judged reports whether the snapshot shows enough to say that nothing is wrong; if not, why.
func Judged(s *snapshot.Snapshot) (reason string, ok bool) {
	switch {
	case s.Signals.Off(event.SignalStates):
		return "TCP states are not traced: neither failed calls nor new connections are seen", false
	case s.Elapsed <= 0 && s.Health.Events == 0 && len(s.Namespaces) == 0:
		return "nothing was traced", false
	}
	return "", true
}

// shortTrace is for how long a load must be watched until its TIME_WAIT backlog has settled.
const shortTrace = 60

// Lacks returns what the snapshot does not show that findings follow from, a sentence each; nil
// if nothing is missing. What is found already needs no longer trace.
func Lacks(s *snapshot.Snapshot, findings ...Finding) []string {
	var list []string
	if seen := int(s.Elapsed.Seconds()); seen < shortTrace && !slices.ContainsFunc(findings, longerIsPointless) {
		list = append(list, fmt.Sprintf("%d s of %d seen: a closed connection keeps its port for %d s, so that a shortage can still be to come",
			seen, shortTrace, shortTrace))
	}
	for _, signal := range []struct{ name, lack string }{
		{event.SignalStates, "TCP states are not traced: no connection and no failed connect() is seen"},
		{event.SignalBind, "bind() is not traced: port_taken, foreign_address and early_bind can be missed"},
		{event.SignalConnectErrors, "failures before a port is chosen are not traced: no_ipv6 can be missed"},
		{event.SignalAutobind, "ports that the kernel gives to UDP sockets by itself are not traced: udp_ports can be missed"},
	} {
		if s.Signals.Off(signal.name) {
			list = append(list, signal.lack)
		}
	}
	list = append(list, lackingFacts(s)...)
	if s.Filtered {
		list = append(list, "a filter leaves events out: other programs are not judged, nor file limits of a program without a TCP socket that is selected")
	}
	if cause := s.Missing(); cause != "" {
		list = append(list, "parts of the time are "+cause+": what happened in them is not judged")
	}
	if p := unseenSockets(s); p != nil {
		list = append(list, fmt.Sprintf("calls found no port for %s, of which at most %s of %s ports were seen in use: sockets from before start are not seen (in other network namespaces without CAP_SYS_ADMIN)",
			phrase.Space(p), phrase.Grouped(p.Peak), phrase.Grouped(p.Capacity)))
	}
	if lost := phrase.TooLow(s); lost != "" {
		list = append(list, lost)
	}
	return list
}

// unseenSockets returns a port space that had no port for a call, though less than half of its ports were
// ever seen in use; nil: there is none.
func unseenSockets(s *snapshot.Snapshot) *snapshot.PortSpace {
	for i := range s.PortSpaces {
		if p := &s.PortSpaces[i]; p.Kind == snapshot.ConnectSpace && p.Exhausted > 0 && p.Capacity > 0 && p.Peak*2 < p.Capacity {
			return p
		}
	}
	return nil
}

// longerIsPointless reports whether the finding is of something that TIME_WAIT has no part in, so
// that a longer trace does not help.
func longerIsPointless(f Finding) bool {
	return f.Severity > Info && !f.early && (f.Cause == Leak || f.Cause == CloseWaitLeak || f.Cause == OwnPorts || f.Cause == FDLimit)
}

// lackingFacts returns which facts the stream does not have. An older recording has none of some
// kinds, and live they can be unreadable: which of both it is cannot be seen here.
func lackingFacts(s *snapshot.Snapshot) []string {
	counters, conntrack, settings, files, udp := false, false, false, false, false
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		counters = counters || n.Counts.ListenOverflows.Known() || n.Counts.AttemptFails.Known()
		conntrack = conntrack || n.Counts.Conntrack.Max.Known() || n.Counts.Conntrack.Entries.Known()
		settings = settings || n.Ports.Known()
	}
	for i := range s.Processes {
		files = files || s.Processes[i].Files != nil
	}
	for i := range s.PortSpaces {
		udp = udp || s.PortSpaces[i].Proto == event.UDP
	}
	var list []string
	for _, fact := range []struct {
		known bool
		lack  string
	}{
		{settings, "no settings of network namespaces: how many ports there are is not known"},
		{counters, "no counters of the kernel: listen_overflow, tcp_memory and tw_overflow are not judged"},
		{conntrack, "no conntrack counters (nf_conntrack may not be loaded): conntrack_full and snat are not judged"},
		{files || counters, "no file limits of processes: fd_limit is not judged"},
		{udp || counters, "no UDP ports: udp_ports is judged by failed calls alone"},
	} {
		if !fact.known {
			list = append(list, fact.lack)
		}
	}
	return list
}
