package phrase

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// blindSpots are the failures that nothing reports if a signal is off, or only inferred.
// A signal that is not listed at all is one that an older porttrace did not have: off.
var blindSpots = []struct {
	signal   string
	off      string
	inferred string // empty: an inferred signal misses no failure
}{
	{signal: event.SignalConnect, off: "connects without a free port"},
	{signal: event.SignalConnectErrors, off: "connects that fail before a port is chosen"},
	{signal: event.SignalSynSent, off: "connects that still wait for an answer"},
	{signal: event.SignalBind, off: "failing binds", inferred: "failing binds of UDP sockets"},
	{signal: event.SignalAutobind, off: "UDP sockets without a free port"},
}

// syscallHook is the hook of signals that are exact but for the calls that bypass it.
const syscallHook = "tp_btf/sys_exit"

// Unobserved returns which failures would not be seen, empty if every one would be.
func Unobserved(signals event.Signals) []string {
	var missing []string
	for _, spot := range blindSpots {
		switch mode := modeOf(signals, spot.signal); {
		case mode == event.Off:
			missing = append(missing, spot.off)
		case mode == event.Inferred && spot.inferred != "":
			missing = append(missing, spot.inferred)
		}
	}
	if slices.ContainsFunc(signals, func(s event.Signal) bool { return s.Hook == syscallHook }) {
		missing = append(missing, "failing calls by io_uring and by 32-bit programs")
	}
	return missing
}

// modeOf returns how the signal is observed, Off if it is not listed.
func modeOf(signals event.Signals, name string) event.Mode {
	for _, s := range signals {
		if s.Name == name {
			return s.Mode
		}
	}
	return event.Off
}

// CensusOnly reports whether no failure at all would be seen: a census lists the sockets
// that exist. Without signals it is not known how the host was traced.
func CensusOnly(s *snapshot.Snapshot) bool {
	return len(s.Signals) > 0 && !slices.ContainsFunc(s.Signals, func(signal event.Signal) bool {
		return signal.Mode != event.Off && signal.Name != event.SignalCensus && signal.Name != event.SignalCookie
	})
}

// Limits returns what keeps the absence of failures from being proved, in forms: what is
// not observed, and what of the stream is missing. It is empty if nothing does.
func Limits(s *snapshot.Snapshot) []string {
	missing := Unobserved(s.Signals)
	var long, short []string
	if len(missing) > 0 {
		long = append(long, "not observed here: "+enumerate(missing))
		short = append(short, Plural(len(missing), "kind")+" of failure not observed (porttrace check)")
	}
	if s.Health.Lost > 0 {
		lost := Lost(s)
		long, short = append(long, lost), append(short, lost)
	}
	if len(s.Gaps) > 0 {
		const gaps = "parts of the recording are missing"
		long, short = append(long, gaps), append(short, gaps)
	}
	if len(long) == 0 {
		return nil
	}
	return []string{strings.Join(long, "; "), strings.Join(short, "; ")}
}

// Lost returns how many events were lost, empty if none was. They are counted for the whole host.
func Lost(s *snapshot.Snapshot) string {
	switch {
	case s.Health.Lost == 0:
		return ""
	case s.Filtered:
		return Plural(s.Health.Lost, "event") + " lost on the whole host, perhaps none under the filter"
	}
	return Plural(s.Health.Lost, "event") + " lost"
}

// TooLow returns how many events were lost, and what follows; empty if none was.
func TooLow(s *snapshot.Snapshot) string {
	lost := Lost(s)
	if lost == "" {
		return ""
	}
	return lost + ": counts of calls can be too low"
}

// enumerate returns a, b and c.
func enumerate(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Failed returns how many calls failed.
func Failed(s *snapshot.Snapshot) string {
	if CensusOnly(s) {
		return "failed calls not observed"
	}
	verb := " failed"
	if len(Limits(s)) > 0 {
		verb = " seen to fail"
	}
	t := &s.Totals
	return Plural(t.ConnectFailures, "connect") + udpShare(s, true) + " and " +
		Plural(t.BindFailures, "bind") + udpShare(s, false) + verb
}

// udpShare returns how many of the failed connects or binds are of UDP sockets. Rows that
// are not listed may have more.
func udpShare(s *snapshot.Snapshot, connects bool) string {
	var n uint64
	for i := range s.Failures {
		if f := &s.Failures[i]; f.Proto == event.UDP && (f.Op == event.OpConnect) == connects {
			n += f.Count
		}
	}
	if n == 0 {
		return ""
	}
	return " (" + Grouped(n) + " UDP)"
}
