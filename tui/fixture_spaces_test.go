package tui

import (
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var (
	hostRange = event.PortRange{Low: 32_768, High: 60_999}

	shop      = event.Process{ID: event.ProcID{PID: 180, Start: 1_884_213}, PPID: 1, Comm: "shop-api", Exe: "/usr/bin/shop-api", Unit: "shop.service"}
	reportJob = event.Process{ID: event.ProcID{PID: 184, Start: 1_884_300}, PPID: 1, Comm: "report-job", Exe: "/usr/bin/report-job", Unit: "report.service"}
)

func local(addr string) event.Addr { return event.AddrFrom(netip.MustParseAddr(addr)) }

// connecting is an idle space of the host between two addresses.
func connecting(from string, to event.Endpoint) snapshot.PortSpace {
	return snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: 1, NetnsName: "host", Proto: event.TCP, Local: local(from), Remote: to,
		Range: hostRange, Occupancy: event.Occupancy{Capacity: 28_232}, Sustainable: 459.5, Textbook: 470.53, TimeWaitLength: time.Minute,
	}
}

// evenly returns buckets that expire from one second to the one before another.
func evenly(buckets, from, to int) []int {
	ends := make([]int, to)
	for i := range buckets {
		ends[from+i*(to-from)/buckets]++
	}
	return ends
}

// fixtureSpaces are of a web server that has no port left towards its cache, soon none
// towards its database, and of others that have enough.
func fixtureSpaces() []snapshot.PortSpace {
	full := connecting("10.0.0.1", cache)
	full.Live, full.SynSent, full.CloseWait, full.TimeWait, full.Bound = 121, 3, 20, 28_108, 3
	full.Peak, full.PeakAt, full.FullSince = 28_232, fixtureNow.Add(-24*time.Second), fixtureNow.Add(-24*time.Second)
	full.Expiring = evenly(28_108, 2, 61)
	full.Opens, full.OpenRate, full.Wanted = 398_000, 457.2, 579.2
	full.Forecast = snapshot.Forecast{Known: true, Model: "457 opens/s, each held for 61.4 s on the average"}
	full.Exhausted, full.ExhaustionRate, full.LastExhausted = 1_840, 121.2, fixtureNow
	full.SearchP50, full.SearchP99, full.SecondParity = 1_900*time.Microsecond, 4*time.Millisecond, 0.99
	full.Holders = []snapshot.Holder{
		{Proc: web, HeldCount: snapshot.HeldCount{Live: 100, CloseWait: 20, TimeWait: 27_401}},
		{HeldCount: snapshot.HeldCount{TimeWait: 702, Before: 702}},
		{Proc: proxy, HeldCount: snapshot.HeldCount{Bound: 3}},
		{Proc: curl, HeldCount: snapshot.HeldCount{Live: 21, TimeWait: 5}},
	}
	full.Victims = []snapshot.Victim{
		{Proc: web, Failures: 1_837, Last: fixtureNow},
		{Proc: curl, Failures: 3, Last: fixtureNow.Add(-11 * time.Second)},
	}

	soon := connecting("10.0.0.1", database)
	soon.Live, soon.TimeWait, soon.Bound, soon.Peak, soon.PeakAt = 30, 23_900, 3, 23_933, fixtureNow
	soon.Opens, soon.OpenRate, soon.Wanted = 23_931, 512.4, 512.4
	soon.Forecast = snapshot.Forecast{Known: true, ETA: 40 * time.Second, Low: 35 * time.Second, High: 48 * time.Second, Model: "512 opens/s, each held for 61.0 s on the average"}
	soon.Holders = []snapshot.Holder{{Proc: web, HeldCount: snapshot.HeldCount{Live: 30, TimeWait: 23_900}}, {Proc: proxy, HeldCount: snapshot.HeldCount{Bound: 3}}}

	reused := connecting("127.0.0.1", remote("127.0.0.1", 9000))
	reused.TimeWait, reused.Reusable, reused.Bound, reused.OpenRate, reused.Wanted = 28_000, 27_950, 3, 1_200, 1_200
	reused.Expiring = []int{50}
	reused.Forecast = snapshot.Forecast{Known: true, Never: true, Model: "TIME_WAIT is reused after 1 s"}

	other := connecting("2001:db8:85a3::17", api)
	other.Netns, other.NetnsName = 4_026_532_901, "blue"
	other.Live, other.TimeWait, other.OpenRate, other.Wanted = 5, 10, 3.4, 3.4
	other.Forecast = snapshot.Forecast{Known: true, Never: true}
	other.Holders = []snapshot.Holder{{Proc: scraper, HeldCount: snapshot.HeldCount{Live: 5, TimeWait: 10}}}
	return []snapshot.PortSpace{full, soon, reused, other}
}

func fixtureNamespaces() []snapshot.Namespace {
	return []snapshot.Namespace{
		{
			Inode: 1, Name: "host", Ports: hostRange, Capacity: 28_232, Reuse: 2, TimeWait: 28_568, MaxTimeWait: 131_072,
			Bound: 3, BoundKnown: true, LastScan: fixtureNow.Add(-2 * time.Second), LastScanTook: 9 * time.Millisecond,
		},
		{Inode: 4_026_532_901, Name: "blue", Ports: hostRange, Reserved: "40000-40099", Capacity: 28_132, TimeWait: -1},
	}
}

// calm is a host with as much TIME_WAIT as ports, over very many destinations.
func calm() *snapshot.Snapshot {
	s := fixture()
	s.PortSpaces, s.Failures, s.Rates.Failures = nil, nil, 0
	s.Totals.ConnectFailures, s.Totals.BindFailures = 0, 0
	for i := range 100 {
		space := connecting("10.0.0.1", remote("10.1.0.1", uint16(8_000+i)))
		space.Live, space.TimeWait, space.Bound = 2, 280+(100-i)%7, 3
		space.Peak, space.PeakAt, space.Opens, space.OpenRate, space.Wanted = 290, fixtureNow, 612, 4.6, 4.6
		space.Forecast = snapshot.Forecast{Known: true, Never: true, Model: "4.6 opens/s, each held for 61.4 s on the average"}
		space.Holders = []snapshot.Holder{{Proc: web, HeldCount: snapshot.HeldCount{Live: 2, TimeWait: space.TimeWait}}, {Proc: proxy, HeldCount: snapshot.HeldCount{Bound: 3}}}
		s.PortSpaces = append(s.PortSpaces, space)
	}
	return s
}

// starved is a small range that one program uses up by binding before it connects, so
// that another finds no port towards a destination of its own.
func starved() *snapshot.Snapshot {
	s := fixture()
	small := event.PortRange{Low: 40_000, High: 40_255}
	space := connecting("10.99.0.2", remote("10.99.0.1", 8080))
	space.Range, space.Capacity, space.Sustainable, space.Textbook = small, 250, 0.1, 4.17
	space.Live, space.Bound, space.Peak, space.PeakAt, space.FullSince = 4, 246, 250, fixtureNow, fixtureNow.Add(-74*time.Second)
	space.Opens, space.Exhausted, space.ExhaustionRate, space.LastExhausted = 12, 310, 4, fixtureNow.Add(-time.Second)
	space.Holders = []snapshot.Holder{{Proc: reportJob, HeldCount: snapshot.HeldCount{Bound: 246}}, {Proc: shop, HeldCount: snapshot.HeldCount{Live: 4}}}
	space.Victims = []snapshot.Victim{{Proc: shop, Failures: 310, Last: fixtureNow.Add(-time.Second)}}

	binding := snapshot.PortSpace{
		TimeWaitLength: time.Minute,
		Kind:           snapshot.BindSpace, Netns: 1, NetnsName: "host", Proto: event.TCP, Range: small, Occupancy: event.Occupancy{Capacity: 250, Live: 4, Bound: 246}, Peak: 250, PeakAt: fixtureNow, FullSince: fixtureNow.Add(-74 * time.Second), Opens: 260,
		Exhausted: 7, LastExhausted: fixtureNow.Add(-2 * time.Second),
		Holders: []snapshot.Holder{{Proc: reportJob, HeldCount: snapshot.HeldCount{Bound: 246}}, {Proc: shop, HeldCount: snapshot.HeldCount{Live: 4}}},
		Victims: []snapshot.Victim{{Proc: reportJob, Failures: 7, Last: fixtureNow.Add(-2 * time.Second)}},
	}
	s.PortSpaces = []snapshot.PortSpace{space, binding}
	s.Namespaces[0].Ports, s.Namespaces[0].Reserved = small, "40010-40015"
	return s
}

// rangeless is what a recording without the configuration of namespaces shows.
func rangeless() *snapshot.Snapshot {
	s := fixture()
	s.Namespaces = nil
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		space.Range, space.Capacity, space.Sustainable, space.Textbook = event.PortRange{}, 0, 0, 0
		space.Forecast, space.FullSince, space.Peak, space.PeakAt = snapshot.Forecast{}, time.Time{}, 0, time.Time{}
		space.Live, space.SynSent, space.CloseWait, space.TimeWait, space.Bound, space.Reusable = 0, 0, 0, 0, 0, 0
		space.Holders, space.OtherHolders = nil, snapshot.HeldCount{}
	}
	return s
}
