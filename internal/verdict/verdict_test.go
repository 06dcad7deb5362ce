package verdict

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// fullSpace is a space that two workers of nginx have filled, and which gives them no port.
func fullSpace(s *snapshot.Snapshot) {
	one, two := proc(101, "nginx"), proc(102, "nginx")
	s.Failures = []snapshot.Failure{noPort(one, backend, 4000, 91), noPort(two, backend, 3731, 91)}
	s.Totals.ConnectFailures = 7731
	s.PortSpaces = []snapshot.PortSpace{spaceTo(backend, func(p *snapshot.PortSpace) {
		p.TimeWait, p.Sustainable, p.Wanted, p.OpenRate = 1000, 16.3, 200, 18
		p.Exhausted, p.ExhaustionRate, p.LastExhausted = 7731, 182, testNow
		p.ExhaustedSince = testNow.Add(-161 * time.Second)
		p.Expiring = make([]int, 46)
		p.Expiring[41], p.Expiring[45] = 500, 500
		p.Holders = []snapshot.Holder{{Proc: one, HeldCount: snapshot.HeldCount{TimeWait: 500}}, {Proc: two, HeldCount: snapshot.HeldCount{TimeWait: 500}}}
	})}
}

func churn(id string) doctor.Finding {
	f := doctor.Finding{
		ID: id, Cause: doctor.Churn, Severity: doctor.Critical, Confidence: doctor.Proved, Summary: "nginx opens too many connections",
		Advice: []doctor.Advice{{Action: "Keep connections to 10.77.0.2:9000 open (keepalive: 32): add it to the upstream. Then reload"}},
	}
	f.Subject.Netns, f.Subject.Local, f.Subject.Remote = uxc, address("10.77.0.1"), backend
	return f
}

func check(t *testing.T, v Verdict, level Level, title string, lines ...string) {
	t.Helper()
	if v.Level != level || v.Title != title {
		t.Errorf("%s: %s, want %s: %s", v.Level, v.Title, level, title)
	}
	if !slices.Equal(v.Lines, lines) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(v.Lines, "\n"), strings.Join(lines, "\n"))
	}
}

func TestOutOfPorts(t *testing.T) {
	t.Parallel()
	s := traced(fullSpace)
	v := Of(s, []doctor.Finding{churn("churn:nginx:10.77.0.2:9000")})
	check(t, v, Failing, "OUT OF PORTS for 2m41s (churn)",
		"nginx ×2 cannot connect to 10.77.0.2:9000 in uxc (EADDRNOTAVAIL), 182/s.",
		"All 1,000 ports of 10.77.0.1 towards it are in use, all in TIME_WAIT.",
		"Wants 200 conn/s; this space sustains 16.3. Next port free in 42 s.",
		"Cause: a new connection for each request (churn).")
	if v.Do != "Keep connections to 10.77.0.2:9000 open (keepalive: 32)" || v.Finding.ID != "churn:nginx:10.77.0.2:9000" {
		t.Errorf("%q, finding %q", v.Do, v.Finding.ID)
	}
	if v.Space != &s.PortSpaces[0] || v.Failure == nil || v.Process.PID != 102 || len(v.More) != 0 {
		t.Errorf("about %+v %+v %+v, more %q", v.Space, v.Failure, v.Process, v.More)
	}
}

// The space has free ports again; ten seconds later there is nothing to warn of.
func TestHadNoPort(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]string{
		time.Second: "OUT OF PORTS for 2m41s", 4 * time.Second: "NO FREE PORT until 4s ago (now 25 % taken)",
		2 * time.Minute: "OK: nothing fails now; 7,731 calls failed until 05:18:26",
	} {
		v := Of(traced(func(s *snapshot.Snapshot) {
			fullSpace(s)
			p := &s.PortSpaces[0]
			p.TimeWait, p.LastExhausted, p.ExhaustionRate = 250, testNow.Add(-ago), 0
			for i := range s.Failures {
				s.Failures[i].Last, s.Failures[i].Rate = testNow.Add(-ago), 0
			}
		}), nil)
		if v.Title != want {
			t.Errorf("%s ago: %s: %s", ago, v.Level, v.Title)
		}
		if (v.Level == OK) != (ago > time.Minute) || (v.Level == Failing) != (ago < failsNow) {
			t.Errorf("%s ago: level %s", ago, v.Level)
		}
	}
}

// Ports that tcp_tw_reuse allocates again are in use, and not taken: tables say that all are in use.
func TestReusableIsNotTaken(t *testing.T) {
	t.Parallel()
	for reusable, want := range map[int]string{
		0:   "900 of 1,000 ports of 10.77.0.1 towards it are in use, all in TIME_WAIT.",
		600: "300 of 1,000 ports of 10.77.0.1 towards it are taken, all in TIME_WAIT; 600 more in TIME_WAIT can be reused.",
		900: "0 of 1,000 ports of 10.77.0.1 towards it are taken; 900 more in TIME_WAIT can be reused.",
	} {
		v := Of(traced(func(s *snapshot.Snapshot) {
			fullSpace(s)
			s.PortSpaces[0].TimeWait, s.PortSpaces[0].Reusable = 900, reusable
		}), nil)
		if v.Lines[1] != want {
			t.Errorf("%d can be reused: %s", reusable, v.Lines[1])
		}
	}
}

func TestFullBeforeStart(t *testing.T) {
	t.Parallel()
	v := Of(traced(func(s *snapshot.Snapshot) {
		fullSpace(s)
		p := &s.PortSpaces[0]
		p.FullBeforeStart, p.FullSince = true, s.Started
		p.Holders = []snapshot.Holder{{HeldCount: snapshot.HeldCount{TimeWait: 1000, Before: 1000}}}
	}), nil)
	if v.Title != "OUT OF PORTS since before start" || !strings.Contains(v.Lines[1], "owner unknown (from before start)") {
		t.Errorf("%s\n%s", v.Title, v.Lines[1])
	}
}

// leaking is a program that closes none of its connections.
func leaking(eta time.Duration, inUse int) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		billing := proc(18641, "billing.py")
		s.PortSpaces = []snapshot.PortSpace{spaceTo(database, func(p *snapshot.PortSpace) {
			p.Capacity, p.Live, p.CloseWait, p.OpenRate, p.Wanted, p.Opens = 2200, inUse, inUse-236, 39, 39, uint64(inUse)
			p.Forecast = snapshot.Forecast{Known: true, ETA: eta, Low: eta, High: eta}
			p.Holders = []snapshot.Holder{{Proc: billing, HeldCount: snapshot.HeldCount{Live: inUse, CloseWait: inUse - 236}}}
		})}
		s.Destinations = []snapshot.Destination{{
			Netns: uxc, Proto: event.TCP, Remote: database, Totals: snapshot.Totals{Opens: uint64(inUse)},
		}}
		s.Pairs = []snapshot.Pair{{
			Proc: billing.ID, Comm: billing.Comm, Netns: uxc, Proto: event.TCP, Remote: database, Totals: snapshot.Totals{Opens: uint64(inUse)},
		}}
	}
}

// A leak is a warning by the time that is left, not by the level.
func TestLeak(t *testing.T) {
	t.Parallel()
	v := Of(traced(leaking(31*time.Second, 995)), nil)
	check(t, v, Soon, "FULL IN 31 s",
		"billing.py(18641) opens 39 conn/s to 10.77.0.2:5432 in uxc and has closed none of 995.",
		"995 of 2,200 ports of 10.77.0.1 towards it are in use: 236 open, 759 CLOSE_WAIT.",
		"At this rate the last port is taken in 31 s.")
	if v.Do != "Find out why billing.py(18641) closes no connection to 10.77.0.2:5432" {
		t.Errorf("do %q", v.Do)
	}
	for _, calm := range []func(*snapshot.Snapshot){leaking(11*time.Minute, 995), leaking(time.Minute, 100), leaking(0, 400)} {
		s := traced(calm)
		if f := &s.PortSpaces[0].Forecast; f.ETA == 0 {
			f.Never, f.High = true, -1
		}
		if v := Of(s, nil); v.Level != OK {
			t.Errorf("%s: %s", v.Level, v.Title)
		}
	}
}

// What else is wrong follows in a line each, the worst first.
func TestMore(t *testing.T) {
	t.Parallel()
	s := traced(func(s *snapshot.Snapshot) {
		leaking(31*time.Second, 995)(s)
		leak := s.PortSpaces[0]
		fullSpace(s)
		s.PortSpaces = append(s.PortSpaces, leak)
	})
	leak := doctor.Finding{ID: "leak:billing.py", Cause: doctor.Leak, Severity: doctor.Warning}
	leak.Subject.Netns, leak.Subject.Local, leak.Subject.Remote = uxc, address("10.77.0.1"), database
	files := doctor.Finding{ID: "fd_limit:billing.py", Cause: doctor.FDLimit, Severity: doctor.Warning, Summary: "billing.py has 1,003 of 1,024 open files"}
	v := Of(s, []doctor.Finding{leak, files})
	want := []string{"billing.py(18641) 10.77.0.1 → 10.77.0.2:5432 full in 31 s (leak)", "billing.py has 1,003 of 1,024 open files"}
	if v.Title != "OUT OF PORTS for 2m41s" || !slices.Equal(v.More, want) {
		t.Errorf("%s, more\n%s", v.Title, strings.Join(v.More, "\n"))
	}
}

// Ports that are bound before connect() serve no other destination: all fill together, and the
// verdict is one.
func TestEarlyBindIsOne(t *testing.T) {
	t.Parallel()
	v := Of(traced(func(s *snapshot.Snapshot) {
		binder := proc(7, "python3")
		s.Processes = []snapshot.Process{{Info: binder, Totals: snapshot.Totals{Opens: 500}, EarlyBinds: 500}}
		for port := uint16(6379); port < 6383; port++ {
			remote := at("10.77.0.2", port)
			s.PortSpaces = append(s.PortSpaces, spaceTo(remote, func(p *snapshot.PortSpace) {
				p.Live, p.Bound, p.OpenRate, p.Wanted = 125, 375, 16, 16
				p.Forecast = snapshot.Forecast{Known: true, ETA: 8 * time.Second, Low: 7 * time.Second, High: 9 * time.Second}
			}))
			s.Pairs = append(s.Pairs, snapshot.Pair{Proc: binder.ID, Comm: "python3", Netns: uxc, Proto: event.TCP, Remote: remote, Totals: snapshot.Totals{Opens: 125}})
		}
	}), nil)
	check(t, v, Soon, "FULL IN 8 s",
		"python3(7) opens 64 conn/s from 10.77.0.1 in uxc, with bind() before each connect().",
		"500 of 1,000 ports of 10.77.0.1 are in use: 125 open, 375 bound.",
		"At this rate the last port is taken in 8 s (7-9 s). Wants 64 conn/s.",
		"Cause: "+causeWords[doctor.EarlyBind].sentence+".")
	if len(v.More) != 0 {
		t.Errorf("more %q", v.More)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	f := snapshot.Failure{
		Proc: proc(812, "node"), Netns: uxc, Proto: event.TCP, Op: event.OpListen, Errno: event.EADDRINUSE, Reason: event.PortTaken,
		Target: at("0.0.0.0", 40740), Count: 3, Rate: 1, First: testNow.Add(-3 * time.Second), Last: testNow,
		HeldBy: &snapshot.HeldBy{
			Holder: event.Holder{State: event.StateEstablished, Local: at("10.77.0.1", 40740), Remote: database, Outgoing: true},
			Info:   proc(30995, "pool.py"), FreeIn: -1,
		},
	}
	v := Of(traced(func(s *snapshot.Snapshot) {
		s.Failures, s.Totals.BindFailures = []snapshot.Failure{f}, 3
		s.Namespaces = []snapshot.Namespace{{Inode: uxc, Name: "uxc", Ports: narrow}}
	}), nil)
	check(t, v, Failing, "PORT ALREADY IN USE",
		"node(812) cannot listen on 0.0.0.0:40740: port already in use (EADDRINUSE), 1.0/s.",
		"Port 40740 is held by pool.py(30995), ESTABLISHED to 10.77.0.2:5432.",
		"40740 lies in the range for outgoing connections (40000-40999): reserve it (ip_local_reserved_ports).",
		"3 failures since 05:20:23 UTC.")
}

// silentPeer is a destination that answers none of the SYNs of a program.
func silentPeer(s *snapshot.Snapshot) {
	app, peer := proc(9, "app"), at("10.77.5.5", 443)
	s.Failures = []snapshot.Failure{{
		Proc: app, Netns: uxc, Proto: event.TCP, Op: event.OpConnect, Reason: event.GivenUp, Target: peer,
		Count: 57, Resent: 57, Rate: 19, First: testNow.Add(-3 * time.Second), Last: testNow,
	}}
	s.Totals = snapshot.Totals{Opens: 96, ConnectFailures: 57, FailedOpens: 57, SynSent: 39}
	s.Destinations = []snapshot.Destination{{Netns: uxc, Proto: event.TCP, Remote: peer, Totals: s.Totals, History: snapshot.HistoryOf(snapshot.Point{Opens: 96, Failures: 57})}}
	s.Pairs = []snapshot.Pair{{Proc: app.ID, Comm: "app", Netns: uxc, Proto: event.TCP, Remote: peer, Totals: s.Totals}}
}

// What drops the SYNs in another namespace is named, not guessed.
func TestNoPortForAddressTranslation(t *testing.T) {
	t.Parallel()
	finding := doctor.Finding{ID: "snat:app:10.77.5.5:443", Cause: doctor.SNAT, Severity: doctor.Critical, Summary: "connections get lost"}
	finding.Subject.Netns, finding.Subject.Remote = uxc+1, at("10.77.5.5", 443)
	v := Of(traced(silentPeer), []doctor.Finding{finding})
	check(t, v, Failing, "NO PORT FOR ADDRESS TRANSLATION",
		"10.77.5.5:443 does not answer app(9): 19 calls/s given up, 39 wait; none connects.",
		"It has not answered since 05:20:23 UTC: 57 calls without an answer.",
		"Connections get lost.")
	if len(v.More) != 0 {
		t.Errorf("said twice: %q", v.More)
	}
	own := doctor.Finding{ID: "half_open:app:10.77.5.5:443", Cause: doctor.HalfOpen, Severity: doctor.Warning}
	own.Subject.Netns, own.Subject.Remote = uxc, finding.Subject.Remote
	if v := Of(traced(silentPeer), []doctor.Finding{finding, own}); len(v.More) != 1 || !strings.Contains(v.More[0], "19 calls/s given up") {
		t.Errorf("a translation that does not explain it, and the peer, are two: %q", v.More)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	finding := doctor.Finding{ID: "half_open:app:10.77.5.5:443", Cause: doctor.HalfOpen, Severity: doctor.Critical}
	finding.Subject.Netns, finding.Subject.Remote = uxc, at("10.77.5.5", 443)
	v := Of(traced(silentPeer), []doctor.Finding{finding})
	check(t, v, Failing, "NO ANSWER",
		"10.77.5.5:443 does not answer app(9): 19 calls/s given up, 39 wait; none connects.",
		"It has not answered since 05:20:23 UTC: 57 calls without an answer.",
		"No port is missing: the host is down, a firewall drops the packets, or its listener is overloaded.")
	s := traced(silentPeer)
	s.PortSpaces = append(s.PortSpaces, snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: uxc, Proto: event.TCP, Local: address("10.77.0.1"), Remote: at("10.77.5.5", 443),
		Occupancy: event.Occupancy{Capacity: 50, Live: 39, SynSent: 39},
	})
	v = Of(s, []doctor.Finding{finding})
	if want := "39 of the 50 ports of 10.77.0.1 towards it wait for an answer: "; !strings.Contains(strings.Join(v.Lines, "\n"), want) {
		t.Errorf("no %q in %q", want, v.Lines)
	}
}

// HAProxy that has used up the ports of its list makes no call that fails: it opens nothing, and
// closes the connections of its clients.
func TestOwnPortsUsed(t *testing.T) {
	t.Parallel()
	proxy := func(opens, closes uint32, open int) *snapshot.Snapshot {
		return traced(func(s *snapshot.Snapshot) {
			history := make([]snapshot.Point, 20)
			for i := range history[10:] {
				history[10+i] = snapshot.Point{Opens: opens, Closes: closes}
			}
			s.Namespaces = []snapshot.Namespace{{Inode: uxc, Name: "uxc", Ports: narrow}}
			s.Processes = []snapshot.Process{{
				Info: proc(9, "haproxy"), History: snapshot.HistoryOf(history...),
				OwnPorts: &snapshot.OwnPorts{Netns: uxc, Local: address("10.77.0.1"), Low: 40000, High: 40199, Open: open},
			}}
		})
	}
	full := proxy(0, 5, 200)
	v := Of(full, doctor.Judge(full))
	check(t, v, Soon, "ALL 200 PORTS OF haproxy IN USE",
		"haproxy(9) has bound ports 40000-40199 of 10.77.0.1 in uxc itself, one by one, and all 200 are open.",
		"It opens no further connection, and closes connections that it has accepted.",
		"If these are all its ports (HAProxy: source ADDRESS:LOW-HIGH), it refuses clients for want of one; no call fails.")
	if v.Finding.ID != "own_ports:haproxy:10.77.0.1" || v.Process != proc(9, "haproxy").ID ||
		v.Do != "Widen source 10.77.0.1:40000-40199 to 40000-40399 in HAProxy and reload" {
		t.Errorf("%s of %v: %s", v.Finding.ID, v.Process, v.Do)
	}
	for name, s := range map[string]*snapshot.Snapshot{"opens": proxy(1, 5, 200), "idle": proxy(0, 0, 200), "has free ones": proxy(0, 5, 199)} {
		if v := Of(s, doctor.Judge(s)); v.Level != OK {
			t.Errorf("%s: %s", name, v.Title)
		}
	}
	over := doctor.Judge(full)
	over[0].Until = full.Wall
	if v := Of(full, over); v.Level != OK {
		t.Errorf("over: %s", v.Title)
	}
}

// At 80 columns three lines of the box hold what, where, who, how many and until when.
func TestFitsThreeLines(t *testing.T) {
	t.Parallel()
	v := Of(traced(fullSpace), nil)
	rows := 0
	for _, line := range v.Lines[:3] {
		rows += (len([]rune(line)) + 75) / 76
	}
	if rows > 3 || !strings.Contains(v.Lines[2], "Next port free in 42 s") {
		t.Errorf("%d rows: %s", rows, strings.Join(v.Lines[:3], "\n"))
	}
}
