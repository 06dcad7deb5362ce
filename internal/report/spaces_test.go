package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func connecting(from, to string) snapshot.PortSpace {
	return snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: 4026531833, NetnsName: "host", Proto: event.TCP,
		Local: endpoint(from + ":0").Addr, Remote: endpoint(to), Range: event.PortRange{Low: 32768, High: 60999},
		Occupancy: event.Occupancy{Capacity: 28230}, Sustainable: 459.5, Textbook: 470.5,
	}
}

// fullSpaces are one that is full, one that will be, one that is full of what would be
// reused, one of bind(), and one of which the range is not known.
func fullSpaces() []snapshot.PortSpace {
	at := started.Add(9 * time.Second)
	shop := event.Process{ID: event.ProcID{PID: 4242, Start: 99_000}, PPID: 1, UID: 1000, Comm: "shop-api", Unit: "shop.service"}
	hostile := event.Process{ID: event.ProcID{PID: 666, Start: 1}, Comm: "\x1b[2J\n\xff\u009b\u202e", Unit: "web.service"}

	full := connecting("10.0.0.1", "10.0.0.2:80")
	full.Live, full.SynSent, full.CloseWait, full.TimeWait, full.Bound = 100, 3, 2, 28_120, 10
	full.Peak, full.PeakAt, full.FullSince, full.Opens, full.OpenRate, full.Wanted = 28_230, at, at, 28_220, 458, 580.2
	full.Exhausted, full.ExhaustionRate, full.LastExhausted = 1200, 122.25, at
	full.SearchP50, full.SearchP99, full.SecondParity = 900*time.Nanosecond, 4*time.Millisecond, 0.5
	full.Forecast = snapshot.Forecast{Known: true, Model: "458 opens/s, each held for 61.4 s"}
	full.Holders = []snapshot.Holder{
		{Proc: shop, HeldCount: snapshot.HeldCount{Live: 90, CloseWait: 2, TimeWait: 28_000}}, {HeldCount: snapshot.HeldCount{TimeWait: 120, Before: 120}}, {Proc: hostile, HeldCount: snapshot.HeldCount{Bound: 10}},
	}
	full.OtherHolders = snapshot.HeldCount{Live: 10}
	full.Victims = []snapshot.Victim{{Proc: shop, Failures: 1190, Last: at}, {Proc: hostile, Failures: 10, Last: at}}

	soon := connecting("10.0.0.1", "10.0.0.3:5432")
	soon.Live, soon.TimeWait, soon.OpenRate, soon.Wanted = 20, 23_980, 512.4, 512.4
	soon.Expiring = []int{0, 512, 23_000, 0, 468}
	soon.Forecast = snapshot.Forecast{
		Known: true, ETA: 40 * time.Second, Low: 35 * time.Second, High: -1, Model: "512 opens/s, each held for 61 s",
	}

	reused := connecting("127.0.0.1", "127.0.0.1:9000")
	reused.TimeWait, reused.Reusable = 28_230, 28_000
	reused.Forecast = snapshot.Forecast{Known: true, Never: true, Model: "reused after 1 s"}

	bind := snapshot.PortSpace{
		Kind: snapshot.BindSpace, Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Occupancy: event.Occupancy{Capacity: 28_230, Bound: 10, TimeWait: 28_100},
		Range: event.PortRange{Low: 32768, High: 60999},
	}

	rangeless := connecting("[fd00::1]", "[fd00::25]:25")
	rangeless.Netns, rangeless.NetnsName, rangeless.Live = 4026532177, "", 10
	rangeless.Range, rangeless.Capacity, rangeless.Sustainable, rangeless.Textbook = event.PortRange{}, 0, 0, 0
	return []snapshot.PortSpace{full, soon, reused, bind, rangeless}
}

func fixtureNamespaces() []snapshot.Namespace {
	return []snapshot.Namespace{
		{
			Inode: 4026531833, Name: "host", Ports: event.PortRange{Low: 32768, High: 60999}, Reserved: "40000-40001", Capacity: 28_230,
			Reuse: 2, TimeWait: 28_300, MaxTimeWait: 131_072, Bound: 10, BoundKnown: true,
			LastScan: started, LastScanTook: 8 * time.Millisecond, OtherListeners: 1,
			Listeners: []snapshot.Listener{
				{Local: endpoint("0.0.0.0:50051"), Proc: event.Process{ID: event.ProcID{PID: 70, Start: 1}, Comm: "rpcd", Exe: "/usr/sbin/rpcd"}},
			},
			NonlocalBind: event.SettingOf(0), UnprivilegedPort: event.CounterOf(1024), MaxOrphans: event.CounterOf(131_072),
			TCPMem: [3]uint64{287_898, 383_867, 575_796}, Counted: fixtureCounts(), CountedAt: started,
		},
		{Inode: 4026532177, TimeWait: -1},
	}
}

// fixtureCounts are those of a host in trouble; what the kernel does not count is unknown.
func fixtureCounts() event.NetnsCounts {
	of := event.CounterOf
	return event.NetnsCounts{
		TimeWaits: of(11_840), TimeWaitsRecycled: of(3), TimeWaitOverflows: of(0), ListenOverflows: of(12), ListenDrops: of(15),
		MemoryAborts: of(1), AttemptFails: of(40), SynRetransmits: of(1_402), RequestDrops: of(0), RequestCookies: of(2_000),
		Orphans: of(90), MemPages: of(6_564),
		Conntrack: event.Conntrack{Entries: of(262_144), Max: of(262_144), InsertFailed: of(0), Drops: of(77_000), NAT: event.SettingOf(1)},
	}
}

// countedNamespaces are those that a scan of a calm host finds: more than are worth
// a line, and one with a name made to harm.
func countedNamespaces() []snapshot.Namespace {
	var list []snapshot.Namespace
	for i := range 13 {
		list = append(list, snapshot.Namespace{
			Inode: 4026532200 + uint32(i), Name: fmt.Sprintf("pod-%d", i), Ports: event.PortRange{Low: 32768, High: 60999},
			Capacity: 28_232, TimeWait: int64(i), Bound: 1, LastScan: started,
		})
	}
	list[11].Name, list[11].Capacity, list[11].BoundKnown = "\x1b[2J", 28_230, true
	list[12].Ports, list[12].Capacity = event.PortRange{}, 0
	list[12].TimeWait, list[12].Bound = -1, 100
	return append(list, snapshot.Namespace{Inode: 1, Name: "not scanned", TimeWait: 1000})
}

// calmSpaces have as many ports in TIME_WAIT together as one space has ports.
func calmSpaces() []snapshot.PortSpace {
	var spaces []snapshot.PortSpace
	for i := range 100 {
		space := connecting("10.0.0.1", fmt.Sprintf("10.1.0.1:%d", 8000+i))
		space.TimeWait, space.Bound, space.OpenRate, space.Wanted = 280, 3, 4.6, 4.6
		space.Forecast = snapshot.Forecast{Known: true, Never: true}
		spaces = append(spaces, space)
	}
	return spaces
}

// TestETA: a script can distinguish now, later, never and unknown.
func TestETA(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := JSON(&out, &snapshot.Snapshot{PortSpaces: fullSpaces()}, nil, snapshot.ByProcess, nil); err != nil {
		t.Fatal(err)
	}
	var report struct {
		PortSpaces []map[string]any `json:"port_spaces"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"0 0 0 458 opens/s, each held for 61.4 s", "40 35 <nil> 512 opens/s, each held for 61 s",
		"<nil> <nil> <nil> reused after 1 s", "<nil> <nil> <nil> unknown", "<nil> <nil> <nil> unknown",
	} {
		s := report.PortSpaces[i]
		got := fmt.Sprintln(s["eta_seconds"], s["eta_low_seconds"], s["eta_high_seconds"], s["eta_model"])
		if strings.TrimSpace(got) != want {
			t.Errorf("space %d: got %q, want %q", i, got, want)
		}
	}
	for i, want := range [][]any{{4.0, 28_230.0, 0.0}, {4.0, 28_230.0, 4_230.0}, {4.0, 28_230.0, 0.0}, {6.0, 28_230.0, 120.0}, {6.0, nil, nil}} {
		s := report.PortSpaces[i]
		if got := []any{s["family"], s["capacity"], s["headroom"]}; !reflect.DeepEqual(got, want) {
			t.Errorf("space %d: got %v, want %v", i, got, want)
		}
	}
}

// A full space whose ports would be reused but for the lack of timestamps says so.
func TestReasonForNoReuse(t *testing.T) {
	t.Parallel()
	s := snapshot.PortSpace{Kind: snapshot.ConnectSpace}
	s.Capacity, s.TimeWait, s.Unstamped = 64, 64, 64
	for reusable, want := range map[int]bool{0: true, 3: false} {
		s.Reusable = reusable
		w := writer{s: &snapshot.Snapshot{}}
		w.risk(&s)
		out := &w.out
		if got := strings.Contains(out.String(), "headroom 0; 64 in TIME_WAIT cannot be reused: the peer sends no TCP timestamps"); got != want {
			t.Errorf("%d can be reused: got %q", reusable, out.String())
		}
	}
}

// Buckets that wait for the peer's FIN are named as such.
func TestFinWait2IsNamed(t *testing.T) {
	t.Parallel()
	s := busy()
	s.PortSpaces = []snapshot.PortSpace{{Kind: snapshot.ConnectSpace}, {Kind: snapshot.ConnectSpace}}
	s.PortSpaces[0].TimeWait, s.PortSpaces[0].FinWait2 = 12, 7
	s.PortSpaces[1].TimeWait, s.PortSpaces[1].FinWait2 = 5, 3
	var out bytes.Buffer
	if err := Text(&out, s, nil, TextOptions{By: snapshot.ByProcess}); err != nil {
		t.Fatal(err)
	}
	if want := "TIME_WAIT 11,000 outgoing (10 of them in FIN_WAIT2), 40 accepted"; !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
		t.Errorf("no %q in\n%s", want, &out)
	}
}
