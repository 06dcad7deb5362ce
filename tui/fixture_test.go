package tui

import (
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The fixture is a web server that runs out of ports towards its cache, with the
// usual quiet company around it.
var (
	fixtureStart = time.Date(2026, 11, 21, 3, 10, 0, 0, time.UTC)
	fixtureNow   = fixtureStart.Add(134 * time.Second)

	web     = event.Process{ID: event.ProcID{PID: 4242, Start: 884_213}, PPID: 1, UID: 33, Comm: "php-fpm8.3", Exe: "/usr/sbin/php-fpm8.3", Unit: "php8.3-fpm.service", Cgroup: "/system.slice/php8.3-fpm.service"}
	scraper = event.Process{ID: event.ProcID{PID: 1_284_771, Start: 2_884_213}, PPID: 812, UID: 1000, Comm: "python3", Exe: "/usr/bin/python3.12", Container: "f3b1c0ffee42", Cgroup: "/system.slice/docker-f3b1c0ffee42.scope"}
	proxy   = event.Process{ID: event.ProcID{PID: 977, Start: 1_200}, PPID: 1, Comm: "haproxy", Exe: "/usr/sbin/haproxy", Unit: "haproxy.service", Cgroup: "/system.slice/haproxy.service"}
	curl    = event.Process{ID: event.ProcID{PID: 31_337, Start: 1_884_213}, PPID: 31_001, UID: 1000, Comm: "curl", Exe: "/usr/bin/curl", Unit: "session-4.scope"}

	cache    = remote("10.0.0.2", 6379)
	database = remote("10.0.0.9", 5432)
	api      = remote("2001:db8:85a3::8a2e:370:7334", 443)
)

func remote(addr string, port uint16) event.Endpoint {
	return event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr(addr)), Port: port}
}

// wave is a history that rises and falls, up to peak.
func wave(peak uint32) []snapshot.Point {
	points := make([]snapshot.Point, snapshot.HistorySeconds)
	for i := range points {
		height := uint32(i % 40)
		if height > 20 {
			height = 40 - height
		}
		points[i] = snapshot.Point{Opens: peak * height / 20, Closes: peak * height / 21}
		if i > 100 {
			points[i].Failures = peak / 8
		}
	}
	return points
}

func fixture() *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		At: event.Time(fixtureNow.UnixNano()), Wall: fixtureNow, Started: fixtureStart, Elapsed: fixtureNow.Sub(fixtureStart),
		Host: event.Host{Name: "web-1.example.net", Kernel: "6.8.0-45-generic", Arch: "amd64"},
		Signals: event.Signals{
			{Name: "state", Mode: event.Exact, Hook: "tp_btf/inet_sock_set_state"},
			{Name: "connect", Mode: event.Exact, Hook: "fexit/inet_hash_connect"},
			{Name: "bind", Mode: event.Inferred, Hook: "post_bind4", Reason: "the kernel refuses trampolines"},
		},
		Clock: event.Clock{
			Mono: event.Time(fixtureNow.UnixNano()), Wall: fixtureNow.UnixNano(), Boot: int64(30_000 * time.Second),
		},
		Health:  event.Health{Events: 1_234_567, LostDetails: 321, CPU: 2_500_000_000, Memory: 25 << 20, Maps: 19 << 20, ProgramTime: 1_200_000_000, ProgramRuns: 3_400_000},
		Totals:  snapshot.Totals{Opens: 412_077, ClosesOut: 411_020, ClosesIn: 8_120, FailedOpens: 57, TimeWaitOut: 28_211, TimeWaitIn: 345, BeforeStart: 12, SynSent: 3, ConnectFailures: 1_897, BindFailures: 2},
		Rates:   snapshot.Rates{Opens: 3_471, Closes: 3_460, Failures: 121.4},
		History: snapshot.HistoryOf(wave(3_500)...),
	}
	s.Processes, s.Destinations, s.Failures = fixtureProcesses(), fixtureDestinations(), fixtureFailures()
	s.PortSpaces, s.Namespaces = fixtureSpaces(), fixtureNamespaces()
	s.OtherProcesses = &snapshot.Process{Totals: snapshot.Totals{Opens: 1_003, ClosesOut: 1_003}}
	return withEvents(grouped(s))
}

func fixtureProcesses() []snapshot.Process {
	seen := func(p snapshot.Process) snapshot.Process {
		p.First, p.Last = fixtureStart.Add(time.Second), fixtureNow.Add(-time.Second)
		return p
	}
	webTotals := snapshot.Totals{Opens: 398_211, ClosesOut: 397_166, FailedOpens: 45, ConnectFailures: 1_885, TimeWaitEntered: 361_002, TimeWaitOut: 28_108, LifetimeP50: 1_840 * time.Microsecond, LifetimeP99: 41 * time.Millisecond}
	return []snapshot.Process{
		seen(snapshot.Process{
			Info: web, Totals: webTotals, Rates: snapshot.Rates{Opens: 3_420, Closes: 3_411, Failures: 121.4}, History: snapshot.HistoryOf(wave(3_400)...),
			Destinations: []snapshot.Pair{
				{Proc: web.ID, Comm: web.Comm, Netns: 1, Remote: cache, Totals: webTotals},
				{Proc: web.ID, Comm: web.Comm, Netns: 1, Remote: database, Totals: snapshot.Totals{Opens: 211, ClosesOut: 201, LifetimeP50: 4 * time.Second}},
			},
		}),
		seen(snapshot.Process{Info: proxy, Totals: snapshot.Totals{Opens: 9_120, ClosesOut: 9_100, ClosesIn: 8_120, TimeWaitIn: 345, TimeWaitOut: 93, LifetimeP50: 84 * time.Millisecond}, Rates: snapshot.Rates{Opens: 48.2, Closes: 47}, History: snapshot.HistoryOf(wave(50)...)}),
		seen(snapshot.Process{Info: scraper, Totals: snapshot.Totals{Opens: 3_706, ClosesOut: 3_701, SynSent: 3, CloseWait: 2, ConnectFailures: 12, FailedOpens: 2, TimeWaitOut: 10, LifetimeP50: 1_230 * time.Millisecond}, Rates: snapshot.Rates{Opens: 3.4, Closes: 3.4}, History: snapshot.HistoryOf(wave(4)...)}),
		seen(snapshot.Process{Info: curl, Totals: snapshot.Totals{Opens: 1, ClosesOut: 1, LifetimeP50: 320 * time.Microsecond}}),
		seen(snapshot.Process{Totals: snapshot.Totals{Opens: 36, ClosesOut: 36, ClosesUnknown: 49}}),
	}
}

func fixtureDestinations() []snapshot.Destination {
	return []snapshot.Destination{
		{
			Netns: 1, NetnsName: "host", Proto: event.TCP, Remote: cache, Totals: snapshot.Totals{Opens: 398_000, ClosesOut: 396_965, FailedOpens: 45, ConnectFailures: 1_885, TimeWaitOut: 28_108, LifetimeP50: 1_840 * time.Microsecond}, Rates: snapshot.Rates{Opens: 3_419, Failures: 121.4}, History: snapshot.HistoryOf(wave(3_400)...), First: fixtureStart, Last: fixtureNow,
			Processes: []snapshot.Pair{{Proc: web.ID, Comm: web.Comm, Remote: cache, Totals: snapshot.Totals{Opens: 398_000, ClosesOut: 396_965, TimeWaitOut: 28_108, ConnectFailures: 1_885}}},
		},
		{Netns: 1, NetnsName: "host", Proto: event.TCP, Remote: database, Totals: snapshot.Totals{Opens: 9_331, ClosesOut: 9_301, TimeWaitOut: 93, LifetimeP50: 90 * time.Millisecond}, Rates: snapshot.Rates{Opens: 48.4}, History: snapshot.HistoryOf(wave(50)...), First: fixtureStart, Last: fixtureNow},
		{Netns: 4_026_532_901, NetnsName: "blue", Proto: event.TCP, Remote: api, Totals: snapshot.Totals{Opens: 3_706, ClosesOut: 3_701, SynSent: 3, ConnectFailures: 12, FailedOpens: 2}, Rates: snapshot.Rates{Opens: 3.4}, History: snapshot.HistoryOf(wave(4)...), First: fixtureStart, Last: fixtureNow},
		{Netns: 1, NetnsName: "host", Proto: event.UDP, Remote: remote("10.0.0.53", 53), Totals: snapshot.Totals{Opens: 1}, First: fixtureStart, Last: fixtureNow},
	}
}

func fixtureFailures() []snapshot.Failure {
	return []snapshot.Failure{
		{Proc: web, Netns: 1, NetnsName: "host", Proto: event.TCP, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted, Inferred: event.FieldReason, Target: cache, Local: remote("10.0.0.1", 0), Count: 1_840, Rate: 121.2, First: fixtureStart.Add(100 * time.Second), Last: fixtureNow},
		{Proc: web, Netns: 1, NetnsName: "host", Proto: event.TCP, Op: event.OpConnect, Errno: event.ECONNREFUSED, Reason: event.Refused, Target: cache, Local: remote("10.0.0.1", 40_112), Count: 45, Rate: 0.2, First: fixtureStart.Add(20 * time.Second), Last: fixtureNow.Add(-3 * time.Second)},
		{Proc: scraper, Netns: 4_026_532_901, NetnsName: "blue", Proto: event.TCP, Op: event.OpConnect, Errno: event.ETIMEDOUT, Reason: event.TimedOut, Target: api, Local: remote("2001:db8::17", 51_234), Count: 12, First: fixtureStart.Add(8 * time.Second), Last: fixtureNow.Add(-80 * time.Second)},
		{Proc: proxy, Netns: 1, NetnsName: "host", Proto: event.TCP, Op: event.OpBind, Errno: event.EADDRINUSE, Reason: event.PortTaken, Target: remote("0.0.0.0", 443), Count: 2, First: fixtureStart.Add(2 * time.Second), Last: fixtureStart.Add(3 * time.Second)},
	}
}

// looping is that with a shell loop that runs curl 150 times.
func looping() *snapshot.Snapshot {
	s := fixture()
	for i := range 150 {
		p := s.Processes[3]
		p.Info.ID.PID, p.Rates.Opens, p.History = uint32(31_400+i), 0.2, snapshot.HistoryOf(wave(4)...)
		p.LifetimeP50 = time.Duration(300+i) * time.Microsecond
		p.Destinations = []snapshot.Pair{{Proc: p.Info.ID, Comm: p.Info.Comm, Netns: 1, Remote: api, Totals: p.Totals}}
		s.Processes = append(s.Processes, p)
	}
	return s
}

// empty is a host on which nothing happens.
func empty() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Wall: fixtureStart.Add(3 * time.Second), Started: fixtureStart, Elapsed: 3 * time.Second,
		Host:    event.Host{Name: "idle", Kernel: "6.8.0-45-generic"},
		Signals: event.Signals{{Name: "state", Mode: event.Exact}, {Name: "connect", Mode: event.Exact}},
		Notices: []snapshot.Notice{{At: fixtureStart, Text: "sockets that existed before the start are counted without an owner"}},
	}
}

// censusOnly is what is seen without root.
func censusOnly() *snapshot.Snapshot {
	s := fixture()
	s.Signals = event.Signals{{Name: event.SignalStates, Mode: event.Off, Reason: "not permitted"}, {Name: event.SignalCensus, Mode: event.Inferred, Hook: "sock_diag"}}
	s.Processes, s.Destinations, s.Failures, s.OtherProcesses = nil, nil, nil, nil
	s.Rates, s.History, s.Totals, s.RecentEvents, s.Pairs, s.Past = snapshot.Rates{}, snapshot.History{}, snapshot.Totals{}, nil, nil, nil
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		p.Exhausted, p.ExhaustionRate, p.LastExhausted, p.Victims = 0, 0, time.Time{}, nil
		p.OpenRate, p.Wanted, p.Opens = 0, 0, 0
	}
	return s
}

// wide has names whose letters take two cells, of odd and even length.
func wide() *snapshot.Snapshot {
	s := fixture()
	for i, name := range []string{"データベース接続監視プロセス管理", "aデータベース接続監視プロセス管理", "e\u0301te\u0301", "短い"} {
		s.Processes[i].Info.Comm = name
		s.Failures[i].Proc.Comm = name
	}
	return s
}
