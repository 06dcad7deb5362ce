package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var judgedAt = time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)

// silentCalls adds calls without an answer.
func silentCalls(s *snapshot.Snapshot, to event.Endpoint, n uint64) {
	s.Failures = append(s.Failures, snapshot.Failure{
		Proc: event.Process{ID: shop, Comm: "shop"}, Netns: inode, Proto: event.TCP, Op: event.OpConnect, Errno: event.ETIMEDOUT,
		Reason: event.TimedOut, Target: to, Count: n, Resent: n, Rate: 1, First: judgedAt.Add(-time.Minute), Last: judgedAt,
	})
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	count := event.CounterOf
	for _, tc := range []struct {
		name       string
		change     func(s *snapshot.Snapshot, n *snapshot.Namespace)
		id         string // empty: only notes
		severity   Severity
		confidence Confidence
		says       string
	}{
		{"calm", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counted = event.NetnsCounts{TimeWaitOverflows: count(0), ListenOverflows: count(0), MemoryAborts: count(0), Conntrack: event.Conntrack{Drops: count(0), InsertFailed: count(0)}}
			n.Counts.Conntrack = event.Conntrack{Entries: count(500), Max: count(1000)}
		}, "", 0, 0, ""},
		{"unknown", func(*snapshot.Snapshot, *snapshot.Namespace) {}, "", 0, 0, ""},
		{
			"more buckets than allowed", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
				n.MaxTimeWait, n.Refused, n.RefusedKnown = 32, 1100, true
			},
			"tw_overflow:box", Warning, Proved, "1,100 connections ended without it",
		},
		{"conntrack full", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack = event.Conntrack{Entries: count(1000), Max: count(1000)}
			n.Counted.Conntrack = event.Conntrack{Drops: count(17), Entries: count(1000)}
		}, "conntrack_full:box", Critical, Proved, "17 packets"},
		{"conntrack nearly full", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack = event.Conntrack{Entries: count(960), Max: count(1000)}
		}, "", 0, 0, ""},
		{"conntrack makes room", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack = event.Conntrack{Entries: count(990), Max: count(1000)}
			n.Counted.Conntrack.EarlyDrops = count(40)
		}, "conntrack_full:box", Warning, Likely, "990 of at most 1,000"},
		{"silence that conntrack explains", func(s *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack = event.Conntrack{Entries: count(1000), Max: count(1000)}
			n.Counted.Conntrack.Drops = count(17)
			silentCalls(s, web, 12)
		}, "conntrack_full:box", Critical, Proved, "dropped"},
		{"no port behind the sockets", func(s *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack.NAT, n.Counted.Conntrack.InsertFailed, n.Counted.Conntrack.Drops = event.SettingOf(1), count(200), count(200)
			silentCalls(s, web, 12)
		}, "snat:shop:10.0.0.2:80", Critical, Likely, "it has no port left"},
		{"inserts that fail without address translation", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack.NAT, n.Counted.Conntrack.InsertFailed = event.SettingOf(0), count(200)
		}, "", 0, 0, ""},
		{"inserts that fail, and all are answered", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counts.Conntrack.NAT, n.Counted.Conntrack.InsertFailed = event.SettingOf(1), count(200)
		}, "", 0, 0, ""},
		{
			"a slow listener", func(_ *snapshot.Snapshot, n *snapshot.Namespace) { n.Counted.ListenOverflows = count(300) },
			"listen_overflow:box", Warning, Proved, "a listener in box accepts connections more slowly",
		},
		{"a slow listener and who waits for it", func(s *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counted.ListenOverflows = count(300)
			n.Servers = []snapshot.Listener{{Local: endpoint("127.0.0.1:8079"), Proc: event.Process{ID: event.ProcID{PID: 8, Start: 1}, Comm: "pool"}}, {Local: endpoint("0.0.0.0:8080"), Proc: event.Process{ID: shop, Comm: "shop"}}}
			silentCalls(s, endpoint("127.0.0.1:8080"), 12)
		}, "listen_overflow:0.0.0.0:8080", Critical, Proved, "which listens on 0.0.0.0:8080, accepts connections more slowly"},
		{"a slow listener, the only one, with clients elsewhere", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counted.ListenOverflows = count(300)
			n.Servers = []snapshot.Listener{{Local: endpoint("127.0.0.1:8079"), Proc: event.Process{ID: event.ProcID{PID: 8, Start: 1}, Comm: "pool"}}}
		}, "listen_overflow:127.0.0.1:8079", Warning, Proved, "which listens on 127.0.0.1:8079"},
		{"a few overflows", func(_ *snapshot.Snapshot, n *snapshot.Namespace) { n.Counted.ListenOverflows = count(3) }, "", 0, 0, ""},
		{"aborts", func(_ *snapshot.Snapshot, n *snapshot.Namespace) { n.Counted.MemoryAborts = count(5) }, "tcp_memory:box", Critical, Proved, "5 connections"},
		{"too many orphans", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.Counted.MemoryAborts, n.MaxOrphans, n.Counts.Orphans = count(5), count(64), count(60)
		}, "tcp_memory:box", Critical, Proved, "tcp_max_orphans is 64"},
		{"pressure", func(_ *snapshot.Snapshot, n *snapshot.Namespace) { n.Counted.MemoryPressures = count(2) }, "tcp_memory:box", Warning, Proved, "memory pressure"},
		{"lowered tcp_fin_timeout, tiny tcp_max_tw_buckets, ends of one parity", func(_ *snapshot.Snapshot, n *snapshot.Namespace) {
			n.FinTimeout, n.MaxTimeWait, n.Ports, n.Capacity = 15*time.Second, 100, event.PortRange{Low: 32768, High: 61000}, 28233
		}, "", 0, 0, ""},
		{"all files open", func(s *snapshot.Snapshot, _ *snapshot.Namespace) {
			s.Processes = []snapshot.Process{{Info: event.Process{ID: shop, Comm: "shop"}, Files: &event.FileUse{Open: 1024, Limit: 1024}}}
		}, "fd_limit:shop", Critical, Proved, "EMFILE"},
		{"nearly all files open, and more to come", func(s *snapshot.Snapshot, _ *snapshot.Namespace) {
			s.Processes = []snapshot.Process{{
				Info: event.Process{ID: shop, Comm: "shop"}, Files: &event.FileUse{Open: 980, Limit: 1024}, Totals: snapshot.Totals{CloseWait: 700},
			}}
		}, "fd_limit:shop", Warning, Likely, "980 of at most 1,024"},
		{"nearly all files open, and steady", func(s *snapshot.Snapshot, _ *snapshot.Namespace) {
			s.Processes = []snapshot.Process{{Info: event.Process{ID: shop, Comm: "shop"}, Files: &event.FileUse{Open: 980, Limit: 1024}}}
		}, "", 0, 0, ""},
		{"no UDP port left", func(s *snapshot.Snapshot, _ *snapshot.Namespace) {
			s.PortSpaces = []snapshot.PortSpace{{
				Kind: snapshot.BindSpace, Proto: event.UDP, Netns: inode, Local: local.Addr, Occupancy: event.Occupancy{Capacity: 100, Bound: 100},
				Holders: []snapshot.Holder{{Proc: event.Process{ID: cache, Comm: "resolver"}, HeldCount: snapshot.HeldCount{Bound: 90}}},
			}}
		}, "udp_ports:resolver", Warning, Proved, "all 100 UDP ports of the range are in use on 10.0.0.1: the next socket that binds to it gets none"},
		{"no UDP port left on any address", func(s *snapshot.Snapshot, _ *snapshot.Namespace) {
			s.PortSpaces = []snapshot.PortSpace{{
				Kind: snapshot.BindSpace, Proto: event.UDP, Netns: inode, Local: endpoint("0.0.0.0:0").Addr, Occupancy: event.Occupancy{Capacity: 100, Bound: 100},
				Holders: []snapshot.Holder{{Proc: event.Process{ID: cache, Comm: "resolver"}, HeldCount: snapshot.HeldCount{Bound: 90}}},
			}}
		}, "udp_ports:resolver", Warning, Proved, "on one address or another: the next socket without an address (bound to 0.0.0.0, or not bound) gets none"},
		{"a slow search", func(s *snapshot.Snapshot, _ *snapshot.Namespace) {
			s.PortSpaces = []snapshot.PortSpace{{
				Kind: snapshot.ConnectSpace, Proto: event.TCP, Netns: inode, Local: local.Addr, Remote: web, Range: event.PortRange{Low: 32768, High: 60999},
				Occupancy: event.Occupancy{Capacity: 28232, TimeWait: 16000}, SearchP50: 2 * time.Millisecond, SearchP99: 4 * time.Millisecond, SecondParity: 1, OpenRate: 260,
				Holders:  []snapshot.Holder{{Proc: event.Process{ID: shop, Comm: "shop"}, HeldCount: snapshot.HeldCount{TimeWait: 16000}}},
				Forecast: snapshot.Forecast{Known: true, Never: true},
			}}
			s.Pairs = []snapshot.Pair{{Proc: shop, Comm: "shop", Netns: inode, Proto: event.TCP, Remote: web, Totals: snapshot.Totals{Opens: 1000}}}
		}, "slow_port_search:shop:10.0.0.2:80", Warning, Likely, "2.0ms to find a port"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &snapshot.Snapshot{
				Wall: judgedAt, Started: judgedAt.Add(-time.Hour), Elapsed: time.Hour,
				Namespaces: []snapshot.Namespace{{Inode: inode, Name: "box", Ports: event.PortRange{Low: 32768, High: 60999}, Capacity: 28232, TimeWaitLength: time.Minute}},
			}
			tc.change(s, &s.Namespaces[0])
			findings := Judge(s)
			if tc.id == "" {
				for _, f := range urgent(findings) {
					t.Errorf("%s %s: %s", f.Severity, f.ID, f.Summary)
				}
				return
			}
			f := only(t, findings)
			if f.ID != tc.id || f.Severity != tc.severity || f.Confidence != tc.confidence || !strings.Contains(f.Summary, tc.says) || len(f.Evidence) == 0 {
				t.Errorf("%s %s %s: %s", f.Severity, f.Confidence, f.ID, f.Summary)
			}
			t.Log(f.Summary)
		})
	}
}

// What a counter of the kernel has counted is over when it grows no more.
func TestCounterOver(t *testing.T) {
	t.Parallel()
	var h History
	grow := []uint64{0, 50, 120, 120, 120, 120}
	for i, n := range grow {
		s := &snapshot.Snapshot{Wall: judgedAt.Add(time.Duration(i) * 40 * time.Second), Started: judgedAt, Namespaces: []snapshot.Namespace{{Inode: inode, Name: "box"}}}
		s.Namespaces[0].Counted.ListenOverflows = event.CounterOf(n)
		h.Add(s)
	}
	f := only(t, h.Findings())
	if !f.Since.Equal(judgedAt.Add(40*time.Second)) || f.Until.IsZero() || !strings.Contains(f.Summary, "120") {
		t.Errorf("from %s until %s: %s", f.Since, f.Until, f.Summary)
	}
}

// What is advised for a range that has been changed since says so.
func TestRangeChangedSince(t *testing.T) {
	t.Parallel()
	h := newHost(40000, 40099)
	each(0, 10*time.Second, 10, func(at time.Duration, n int) {
		h.connect(connection{at: at, life: time.Millisecond, port: 40000 + uint16(n)})
	})
	h.exhausted(10*time.Second, 20*time.Second)
	h.add(22*time.Second, event.NetnsKnown, func(e *event.Event) {
		wider := h.net
		wider.Ports = event.PortRange{Low: 32768, High: 60999}
		e.Fact = &wider
	})
	findings, _ := h.run(t, 30*time.Second)
	f := only(t, urgent(findings))
	if last := f.Evidence[len(f.Evidence)-1].Text; !strings.Contains(last, "it is 32768-60999 now; figures and advice are of 40000-40099") {
		t.Errorf("%s: %s", f.ID, last)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	var h History
	for i := range 2 * maxHistory {
		s := &snapshot.Snapshot{Wall: judgedAt.Add(time.Duration(i) * time.Second)}
		s.Namespaces = []snapshot.Namespace{{Inode: uint32(i), Name: "box", FinTimeout: time.Second}}
		if i == 0 {
			s.Namespaces[0].Counted.MemoryAborts = event.CounterOf(1)
		}
		h.Add(s)
	}
	if n := len(h.Findings()); n > maxHistory {
		t.Errorf("%d findings", n)
	}
	if f := only(t, h.Findings()); f.Cause != TCPMemory {
		t.Errorf("%s", f.ID)
	}
}

func TestLacks(t *testing.T) {
	t.Parallel()
	has := func(s *snapshot.Snapshot, words string) bool {
		return strings.Contains(strings.Join(Lacks(s), "\n"), words)
	}
	s := &snapshot.Snapshot{Elapsed: 12 * time.Second, Signals: event.Signals{{Name: event.SignalBind, Mode: event.Off}}}
	for _, words := range []string{"12 s of 60 seen", "bind() is not traced", "no conntrack counters", "no counters of the kernel"} {
		if !has(s, words) {
			t.Errorf("%q is missing in %q", words, Lacks(s))
		}
	}
	// A leak needs no 60 s, and a run can lack what an old recording lacks.
	if list := strings.Join(Lacks(s, Finding{Cause: Leak, Severity: Critical}), "\n"); strings.Contains(list, "12 s of 60") || strings.Contains(list, "recording") {
		t.Errorf("%q", list)
	}
	if list := Lacks(s, Finding{Cause: Churn, Severity: Critical}, Finding{Cause: Leak}); !strings.Contains(list[0], "12 s of 60") {
		t.Errorf("%q", list)
	}
	s.Elapsed, s.Signals = time.Hour, nil
	s.Namespaces = []snapshot.Namespace{{Ports: event.PortRange{Low: 1, High: 2}, Counts: event.NetnsCounts{
		ListenOverflows: event.CounterOf(0), Conntrack: event.Conntrack{Max: event.CounterOf(1)},
	}}}
	if list := Lacks(s); list != nil {
		t.Errorf("%q", list)
	}
	if _, ok := Judged(s); !ok {
		t.Error("not judged")
	}
	s.Signals = event.Signals{{Name: event.SignalStates, Mode: event.Off}}
	if reason, ok := Judged(s); ok || reason == "" {
		t.Error("judged without states")
	}
}

// A container's SYNs get lost in the address translation of the namespace that forwards them: that is the
// trouble, not a peer that is down. A few inserts that fail say nothing about a peer that is down.
func TestAddressTranslationOfAContainer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		failed uint64
		id     string
	}{{200, "snat:shop:10.0.0.2:80"}, {2, "half_open:shop:10.0.0.2:80"}} {
		s := &snapshot.Snapshot{
			Wall: judgedAt, Started: judgedAt.Add(-time.Hour), Elapsed: time.Hour,
			Namespaces: []snapshot.Namespace{{Inode: inode, Name: "box"}, {Inode: inode + 1, Name: "router"}},
		}
		conntrack := &s.Namespaces[1]
		conntrack.Counts.Conntrack.NAT = event.SettingOf(1)
		conntrack.Counted.Conntrack.InsertFailed, conntrack.Counted.Conntrack.Drops = event.CounterOf(tc.failed), event.CounterOf(tc.failed)
		silentCalls(s, web, 12)
		f := only(t, urgent(Judge(s)))
		if f.ID != tc.id || f.Failures() != 12 {
			t.Errorf("%d failed: %s %s of %d calls", tc.failed, f.Severity, f.ID, f.Failures())
		}
		if f.Cause == SNAT && !strings.HasPrefix(f.Advice[0].Command, "ip netns exec router conntrack -S\n") {
			t.Errorf("it looks elsewhere: %s", f.Advice[0].Command)
		}
	}
}

// The ID of a finding is the same whether there is another one like it in another namespace or not; a
// name with the namespace means that one alone.
func TestSameFindingInTwoNamespaces(t *testing.T) {
	t.Parallel()
	full := func(netns uint32) snapshot.PortSpace {
		return snapshot.PortSpace{
			Kind: snapshot.BindSpace, Proto: event.UDP, Netns: netns, Local: local.Addr, Occupancy: event.Occupancy{Capacity: 100, Bound: 100},
			Holders: []snapshot.Holder{{Proc: event.Process{ID: cache, Comm: "resolver"}, HeldCount: snapshot.HeldCount{Bound: 90}}},
		}
	}
	s := &snapshot.Snapshot{
		Wall: judgedAt, Started: judgedAt.Add(-time.Hour), Elapsed: time.Hour,
		Namespaces: []snapshot.Namespace{{Inode: inode, Name: "blue"}, {Inode: inode + 1, Name: "green"}},
		PortSpaces: []snapshot.PortSpace{full(inode), full(inode + 1)},
	}
	both := urgent(Judge(s))
	if len(both) != 2 || both[0].ID != "udp_ports:resolver" || both[0].ID != both[1].ID || both[0].Key() == both[1].Key() {
		t.Fatalf("%+v", both)
	}
	s.PortSpaces = s.PortSpaces[1:]
	green := only(t, urgent(Judge(s)))
	if name := both[1].Name(both); name != "udp_ports:resolver@green" || green.Name([]Finding{green}) != "udp_ports:resolver" {
		t.Errorf("%s, and alone %s", name, green.Name([]Finding{green}))
	}
	for name, want := range map[string]int{
		"udp_ports:resolver": 2, "udp_ports": 2, "udp_ports:resolver@green": 1, "udp_ports:resolver@red": 0, "udp_ports:resolver@": 0,
	} {
		if _, ignored := Ignore(both, []string{name}); ignored != want {
			t.Errorf("--ignore %s: %d", name, ignored)
		}
	}
	if cause := CauseOf("udp_ports@green"); cause != UDPPorts {
		t.Error(cause)
	}
}
