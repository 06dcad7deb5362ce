package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// busy is 18,020 ports in TIME_WAIT, and none of 40 spaces is anywhere near full.
func busy(s *snapshot.Snapshot) {
	for port := uint16(8000); port < 8040; port++ {
		s.PortSpaces = append(s.PortSpaces, spaceTo(at("10.77.0.2", port), func(p *snapshot.PortSpace) {
			p.Capacity, p.TimeWait, p.Sustainable, p.Opens = 28232, 450, 460, 500
		}))
	}
	s.PortSpaces[0].TimeWait = 470
	s.Processes = []snapshot.Process{{Info: proc(1, "busy.py"), Rates: snapshot.Rates{Opens: 290}}}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	check(t, Of(traced(busy), nil), OK, "OK: no failed connects or binds in the last 4 min",
		"18,020 ports in TIME_WAIT over 40 destinations; the fullest space has 1 % in use and sustains 460 conn/s; busiest: busy.py(1), 290 conn/s.")
}

// unseen is a snapshot without a failure, and what must be said of it.
type unseen struct {
	change func(*snapshot.Snapshot)
	level  Level
	title  string
	line   string
}

func unseenCases() map[string]unseen {
	off := func(names ...string) event.Signals {
		modes := map[string]event.Mode{}
		for _, name := range names {
			modes[name] = event.Off
		}
		return signals(modes)
	}
	var census []string
	for _, name := range event.SignalNames() {
		if name != event.SignalCensus {
			census = append(census, name)
		}
	}
	return map[string]unseen{
		"not root": {
			func(s *snapshot.Snapshot) {
				s.Signals = off(census...)
				for i := range s.Signals {
					s.Signals[i].Reason = "porttrace needs root, or the capabilities CAP_BPF and CAP_PERFMON"
				}
			}, Unknown,
			"FAILURES ARE NOT OBSERVED", "Not root: failures and rates are invisible; run with sudo.",
		},
		"a census": {
			func(s *snapshot.Snapshot) { s.Signals = off(census...) }, Unknown,
			"FAILURES ARE NOT OBSERVED", "Only the sockets that exist are listed: failures and rates are invisible.",
		},
		"a wrong guess": {
			func(s *snapshot.Snapshot) { s.Filtered, s.Health.Events = true, 1933 }, Unknown,
			"NOTHING MATCHES THE FILTER", "No process, connection or port space was selected; 1,933 events of this host left out.",
		},
		"an old recording": {
			func(s *snapshot.Snapshot) { s.Signals = nil }, Unknown,
			"FAILURES ARE NOT OBSERVED", "Which failures are observed is not recorded; none was seen.",
		},
		"no UDP": {
			func(s *snapshot.Snapshot) { s.Signals = off(event.SignalAutobind) }, OK,
			"OK: no failed connects or TCP binds seen in the last 4 min", "Not observed here: UDP sockets without a free port.",
		},
		"no connects": {
			func(s *snapshot.Snapshot) { s.Signals = off(event.SignalConnect) }, Unknown,
			"No failed connects or binds seen in the last 4 min", "Not observed here: connects without a free port.",
		},
		"much lost": {
			func(s *snapshot.Snapshot) { s.Health = event.Health{Events: 1000, Lost: 5027} }, Unknown,
			"No failed connects or binds seen in the last 4 min", "5,027 events lost.",
		},
		"one lost": {
			func(s *snapshot.Snapshot) { s.Health = event.Health{Events: 1000, Lost: 1} }, OK,
			"OK: no failed connects or binds seen in the last 4 min", "1 event lost.",
		},
		"damaged": {
			func(s *snapshot.Snapshot) { s.Gaps = make([]snapshot.Gap, 1) }, Unknown,
			"No failed connects or binds seen in the last 4 min", "Parts of the recording are missing.",
		},
		"failed earlier": {
			func(s *snapshot.Snapshot) {
				s.Signals = off(event.SignalAutobind)
				s.Failures = []snapshot.Failure{noPort(proc(1, "nginx"), backend, 182, 0)}
				s.Failures[0].Last = testNow.Add(-101 * time.Second)
			}, OK,
			"OK: no failure seen now; 182 calls failed until 05:18:45",
			"Before: nginx(1) could not connect to 10.77.0.2:9000: no free local port (EADDRNOTAVAIL), 182 times.",
		},
	}
}

// Without a failure the verdict says what would not have been seen.
func TestNeverClaimsWhatIsNotSeen(t *testing.T) {
	t.Parallel()
	for name, c := range unseenCases() {
		v := Of(traced(c.change), nil)
		if v.Level != c.level || v.Title != c.title || v.Lines[0] != c.line {
			t.Errorf("%s: %s: %s: %q", name, v.Level, v.Title, v.Lines)
		}
		if strings.Contains(v.Title, "nothing fails") {
			t.Errorf("%s: claims what is not seen: %s", name, v.Title)
		}
	}
}

// Failures of which no row is left are not denied.
func TestFailuresWithoutRows(t *testing.T) {
	t.Parallel()
	harmless := snapshot.Failure{Op: event.OpConnect, Proto: event.TCP, Reason: event.GivenUp, Count: 2, Last: testNow}
	with := func(failures uint64) *snapshot.Snapshot {
		return traced(func(s *snapshot.Snapshot) {
			s.Failures, s.Totals.ConnectFailures = []snapshot.Failure{harmless}, failures
		})
	}
	check(t, Of(with(9), nil), OK, "OK: nothing fails now; 7 calls failed before", "Which calls failed is not known any more.")
	check(t, Of(with(2), nil), OK, "OK: no failed connects or binds in the last 4 min")
}

// A census shows that a space is full, and not what fails for it.
func TestFullInACensus(t *testing.T) {
	t.Parallel()
	v := Of(traced(func(s *snapshot.Snapshot) {
		modes := map[string]event.Mode{}
		for _, name := range event.SignalNames() {
			modes[name] = event.Off
		}
		modes[event.SignalCensus] = event.Exact
		s.Signals = signals(modes)
		s.PortSpaces = []snapshot.PortSpace{spaceTo(backend, func(p *snapshot.PortSpace) { p.TimeWait = 1000 })}
	}), nil)
	check(t, v, Soon, "NO PORT LEFT",
		"The next connect() fails: no port is left for 10.77.0.2:9000 in uxc.",
		"All 1,000 ports of 10.77.0.1 towards it are in use, all in TIME_WAIT.",
		"Only the sockets that exist are listed: failures and rates are invisible.")
}

// Of UDP ports that were full before nothing is left but the finding.
func TestQuietAfterFinding(t *testing.T) {
	t.Parallel()
	over := doctor.Finding{ID: "udp_ports", Cause: doctor.UDPPorts, Severity: doctor.Warning, Summary: "all 300 UDP ports are in use", Until: testNow.Add(-time.Second)}
	v := Of(traced(func(s *snapshot.Snapshot) { s.Filtered, s.Health.Events = true, 1933 }), []doctor.Finding{over})
	check(t, v, OK, "OK: nothing fails now; trouble until 05:20:25", "Before: all 300 UDP ports are in use.")
	if v.Finding != over.Key() {
		t.Errorf("about %v", v.Finding)
	}
}
