package snapshot

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// loop is a shell that runs curl n times, once a connection, and other company.
func loop(n int) []Process {
	at := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	cache := event.Endpoint{Port: 80}
	var rows []Process
	for i := range n {
		info := event.Process{ID: event.ProcID{PID: uint32(1000 + i)}, Comm: "curl", Exe: "/usr/bin/curl", Unit: "cron.service"}
		totals := Totals{Opens: 1, ClosesOut: 1, LifetimeP50: time.Duration(i+1) * time.Millisecond, LifetimeP99: time.Duration(i+1) * time.Millisecond}
		rows = append(rows, Process{
			Info: info, Totals: totals, Rates: Rates{Opens: 0.2, Closes: 0.2},
			History: HistoryOf(Point{Opens: 1}), First: at.Add(time.Duration(i) * time.Second), Last: at.Add(time.Duration(i+1) * time.Second),
			Destinations: []Pair{{Proc: info.ID, Comm: "curl", Remote: cache, Totals: totals, Lifetimes: lived(time.Duration(i+1) * time.Millisecond)}},
			Lifetimes:    lived(time.Duration(i+1) * time.Millisecond),
		})
	}
	return append(rows,
		Process{Info: event.Process{ID: event.ProcID{PID: 1}, Comm: "bash", Exe: "/usr/bin/bash", Unit: "cron.service"}, Totals: Totals{Opens: 2}},
		Process{Info: event.Process{ID: event.ProcID{PID: 2}, Comm: "kworker"}, Totals: Totals{Opens: 3}, History: HistoryOf(Point{Opens: 2}, Point{}, Point{Opens: 1})},
		Process{Info: event.Process{ID: event.ProcID{PID: 3}, Comm: "nginx", Exe: "/usr/sbin/nginx", Container: "c0ffee", Pod: "shop/web/nginx"}, Totals: Totals{Opens: 4}},
		Process{Totals: Totals{Opens: 5}},
	)
}

func lived(d time.Duration) (l Lifetimes) {
	l.Add(d)
	return l
}

// with is a snapshot of the processes and their connections.
func with(rows []Process) *Snapshot {
	s := &Snapshot{Processes: rows}
	for i := range rows {
		s.Pairs = append(s.Pairs, rows[i].Destinations...)
	}
	return s
}

func TestGroupProcesses(t *testing.T) {
	t.Parallel()
	for by, want := range map[Grouping]string{
		ByProcess:    "[]",
		ByExecutable: "[/usr/bin/curl 100*100 (unknown) 1*5 /usr/sbin/nginx 1*4 [kworker] 1*3 /usr/bin/bash 1*2]",
		ByContainer:  "[ 102*105 (unknown) 1*5 c0ffee 1*4]",
		ByPod:        "[ 102*105 (unknown) 1*5 shop/web 1*4]",
		ByUnit:       "[cron.service 101*102  2*7 (unknown) 1*5]",
	} {
		got := []string{}
		for _, g := range GroupProcesses(with(loop(100)), by) {
			name := g.Name
			if g.Unknown {
				name = "(unknown)"
			}
			got = append(got, fmt.Sprintf("%s %d*%d", name, len(g.Members), g.Opens))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("by %s: got %v, want %s", by, got, want)
		}
	}
}

func TestGroupIsTheSum(t *testing.T) {
	t.Parallel()
	rows := loop(100)
	g := GroupProcesses(with(rows), ByExecutable)[0]
	if g.Rates.Opens < 19.9 || g.Rates.Opens > 20.1 || !reflect.DeepEqual(g.History.Points(), []Point{{Opens: 100}}) {
		t.Errorf("rates %v, history %v", g.Rates, g.History)
	}
	p50, p99 := middleOf(classOf(51*time.Millisecond)), middleOf(classOf(100*time.Millisecond))
	if g.LifetimeP50 != p50 || g.LifetimeP99 != p99 {
		t.Errorf("lifetimes %v and %v", g.LifetimeP50, g.LifetimeP99)
	}
	if !g.First.Equal(rows[0].First) || !g.Last.Equal(rows[99].Last) {
		t.Errorf("seen from %v to %v", g.First, g.Last)
	}
	if len(g.Destinations) != 1 {
		t.Fatalf("%d destinations", len(g.Destinations))
	}
	if d := g.Destinations[0]; d.Opens != 100 || d.Proc.Known() || d.Comm != "" || d.LifetimeP50 != p50 {
		t.Errorf("towards its destination: %+v", d)
	}
	for i := range rows[:100] {
		if g.Members[i] != &rows[i] {
			t.Fatalf("member %d is another row", i)
		}
	}
}

// TestNoTotalIsForgotten gives each count of two processes a value of its own.
func TestNoTotalIsForgotten(t *testing.T) {
	t.Parallel()
	rows := make([]Process, 2)
	for i := range rows {
		rows[i].Info = event.Process{ID: event.ProcID{PID: uint32(i + 1)}, Exe: "/x"}
		fields := reflect.ValueOf(&rows[i].Totals).Elem()
		for f := range fields.NumField() {
			if field := fields.Field(f); field.CanUint() {
				field.SetUint(uint64(f + 1))
			} else {
				field.SetInt(int64(f + 1))
			}
		}
	}
	sum := reflect.ValueOf(GroupProcesses(with(rows), ByExecutable)[0].Totals)
	for f := range sum.NumField() {
		want := 2 * (f + 1)
		if sum.Field(f).Type() == reflect.TypeFor[time.Duration]() {
			continue // has no sum
		}
		if got := fmt.Sprintf("%d", sum.Field(f).Interface()); got != fmt.Sprint(want) {
			t.Errorf("%s is %s, want %d", sum.Type().Field(f).Name, got, want)
		}
	}
}

func TestHistoriesEndTogether(t *testing.T) {
	t.Parallel()
	long, short := []Point{{Opens: 1}, {Closes: 2}, {Failures: 3}}, []Point{{Opens: 4}}
	want := []Point{{Opens: 1}, {Closes: 2}, {Opens: 4, Failures: 3}}
	for _, order := range [][2][]Point{{long, short}, {short, long}} {
		first, second := HistoryOf(order[0]...), HistoryOf(order[1]...)
		var g ProcessGroup
		g.addHistory(first)
		g.addHistory(second)
		if got := g.History.Points(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if !slices.Equal(first.Points(), order[0]) || !slices.Equal(second.Points(), order[1]) {
			t.Error("a member's own history was changed")
		}
	}
}

// TestGroupLifetimes: quantiles are those of all connections, not of the members' quantiles.
func TestGroupLifetimes(t *testing.T) {
	t.Parallel()
	rows := make([]Process, 2)
	for i := range rows {
		rows[i].Info = event.Process{ID: event.ProcID{PID: uint32(i + 1)}, Exe: "/x"}
	}
	for range 60 {
		rows[0].Lifetimes.Add(time.Millisecond)
	}
	for range 40 {
		rows[0].Lifetimes.Add(time.Second)
		rows[1].Lifetimes.Add(time.Second)
	}
	g := GroupProcesses(with(rows), ByExecutable)[0]
	if want := middleOf(classOf(time.Second)); g.LifetimeP50 != want || g.LifetimeP99 != want {
		t.Errorf("half live %v, nearly all %v, want %v", g.LifetimeP50, g.LifetimeP99, want)
	}
}

// TestGroupsCountThePast: what has lost its row counts in each of its groups.
func TestGroupsCountThePast(t *testing.T) {
	t.Parallel()
	s := with(loop(100))
	curl := Identity{Executable: "/usr/bin/curl", Unit: "cron.service"}
	s.Past = []Past{{Identity: curl, Process: Process{Totals: Totals{Opens: 9_900}}, Count: 9_900}, {Identity: Identity{Others: true}, Process: Process{Totals: Totals{Opens: 50}}}}
	s.PastPairs = []PastPair{{Identity: curl, Pair: Pair{Remote: event.Endpoint{Port: 80}, Totals: Totals{Opens: 9_900}}}}
	for _, by := range []Grouping{ByExecutable, ByUnit} {
		g := GroupProcesses(s, by)[0]
		if g.Opens < 10_000 || g.Opens > 10_002 || g.Processes() < 10_000 || g.Destinations[0].Opens != 10_000 {
			t.Errorf("by %s: %s has %d opens of %d processes, %+v", by, g.Name, g.Opens, g.Processes(), g.Destinations)
		}
	}
	if others := OtherGroup(s); others == nil || others.Opens != 50 {
		t.Errorf("others are %+v", others)
	}
}

func BenchmarkGroupProcesses(b *testing.B) {
	rows := loop(8192)
	b.ReportAllocs()
	s := with(rows)
	for b.Loop() {
		GroupProcesses(s, ByExecutable)
	}
}

// Two services of one interpreter are two programs, the workers of one are one.
// Processes whose executable is not known are not taken for those of a program that has their name.
func TestProgramsOfOneName(t *testing.T) {
	t.Parallel()
	process := func(pid uint32, comm, exe string) Process {
		return Process{Info: event.Process{ID: event.ProcID{PID: pid}, Comm: comm, Exe: exe}, Totals: Totals{Opens: 1}}
	}
	const known, other = "/usr/bin/curl", "/opt/bin/curl"
	for want, rows := range map[string][]Process{
		"[curl=/usr/bin/curl 2 [curl]=[curl] 1]": {process(1, "curl", known), process(2, "curl", known), process(3, "curl", "")},
		"[[curl]=[curl] 1 curl=/opt/bin/curl 1 curl=/usr/bin/curl 1]": {
			process(1, "curl", known), process(2, "curl", other), process(3, "curl", ""),
		},
		"[curl=[curl] 2 wget=/usr/bin/wget 1]": {process(1, "curl", ""), process(2, "curl", ""), process(3, "wget", "/usr/bin/wget")},
	} {
		got := []string{}
		for _, g := range GroupProcesses(with(rows), ByProgram) {
			got = append(got, fmt.Sprintf("%s=%s %d", g.Name, g.Executable, g.Opens))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestGroupByProgramAndParent(t *testing.T) {
	t.Parallel()
	loop := event.Ancestor{ID: event.ProcID{PID: 7, Start: 1}, Comm: "bash", Script: "/root/loop.sh"}
	row := func(pid uint32, comm, exe, script string, parents ...event.Ancestor) Process {
		info := event.Process{ID: event.ProcID{PID: pid}, Comm: comm, Exe: exe, Script: script, Ancestors: parents}
		return Process{Info: info, Totals: Totals{Opens: 1}}
	}
	s := with([]Process{
		row(1, "python3", "/usr/bin/python3.11", "/srv/billing.py", loop),
		row(2, "python3", "/usr/bin/python3.11", "/srv/billing.py", loop),
		row(3, "python3", "/usr/bin/python3.11", "/srv/cache.py"),
		row(4, "wget", "/bin/busybox", ""),
		row(5, "nc", "/bin/busybox", ""),
		row(6, "nginx", "/usr/sbin/nginx", ""),
		row(7, "comm only", "", ""),
	})
	s.Past = []Past{{Identity: Identity{Executable: "/usr/sbin/nginx", Name: "nginx"}, Count: 2, Process: Process{Totals: Totals{Opens: 9}}}}
	names := func(by Grouping) string {
		var list []string
		for _, g := range GroupProcesses(s, by) {
			list = append(list, fmt.Sprintf("%q ×%d: %d", g.Name, g.Processes(), g.Opens))
		}
		return strings.Join(list, ", ")
	}
	for by, want := range map[Grouping]string{
		ByProgram: `"nginx" ×3: 10, "billing.py" ×2: 2, "busybox" ×2: 2, "cache.py" ×1: 1, "comm only" ×1: 1`,
		ByParent:  `"" ×7: 14, "loop.sh (bash 7)" ×2: 2`,
	} {
		if got := names(by); got != want {
			t.Errorf("by %s:\n got %s\nwant %s", by, got, want)
		}
	}
}
