package snapshot

import (
	"fmt"
	"reflect"
	"slices"
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
			History: []Point{{Opens: 1}}, First: at.Add(time.Duration(i) * time.Second), Last: at.Add(time.Duration(i+1) * time.Second),
			Destinations: []Pair{{Proc: info.ID, Comm: "curl", Remote: cache, Totals: totals}},
		})
	}
	return append(rows,
		Process{Info: event.Process{ID: event.ProcID{PID: 1}, Comm: "bash", Exe: "/usr/bin/bash", Unit: "cron.service"}, Totals: Totals{Opens: 2}},
		Process{Info: event.Process{ID: event.ProcID{PID: 2}, Comm: "kworker"}, Totals: Totals{Opens: 3}, History: []Point{{Opens: 2}, {}, {Opens: 1}}},
		Process{Info: event.Process{ID: event.ProcID{PID: 3}, Comm: "nginx", Exe: "/usr/sbin/nginx", Container: "c0ffee"}, Totals: Totals{Opens: 4}},
		Process{Totals: Totals{Opens: 5}},
	)
}

func TestGroupProcesses(t *testing.T) {
	t.Parallel()
	for by, want := range map[Grouping]string{
		ByProcess:    "[]",
		ByExecutable: "[/usr/bin/curl 100*100 (unknown) 1*5 /usr/sbin/nginx 1*4 [kworker] 1*3 /usr/bin/bash 1*2]",
		ByContainer:  "[ 102*105 (unknown) 1*5 c0ffee 1*4]",
		ByUnit:       "[cron.service 101*102  2*7 (unknown) 1*5]",
	} {
		got := []string{}
		for _, g := range GroupProcesses(loop(100), by) {
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
	g := GroupProcesses(rows, ByExecutable)[0]
	if g.Rates.Opens < 19.9 || g.Rates.Opens > 20.1 || !reflect.DeepEqual(g.History, []Point{{Opens: 100}}) {
		t.Errorf("rates %v, history %v", g.Rates, g.History)
	}
	if g.LifetimeP50 != 51*time.Millisecond || g.LifetimeP99 != 100*time.Millisecond {
		t.Errorf("lifetimes %v and %v", g.LifetimeP50, g.LifetimeP99)
	}
	if !g.First.Equal(rows[0].First) || !g.Last.Equal(rows[99].Last) {
		t.Errorf("seen from %v to %v", g.First, g.Last)
	}
	if len(g.Destinations) != 1 {
		t.Fatalf("%d destinations", len(g.Destinations))
	}
	if d := g.Destinations[0]; d.Opens != 100 || d.Proc.Known() || d.Comm != "" || d.LifetimeP50 != 51*time.Millisecond {
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
	sum := reflect.ValueOf(GroupProcesses(rows, ByExecutable)[0].Totals)
	for f := range sum.NumField() {
		want := 2 * (f + 1)
		if sum.Field(f).Type() == reflect.TypeFor[time.Duration]() {
			want = f + 1 // the same of both
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
		got := addHistory(addHistory(nil, order[0]), order[1])
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if long[2].Opens != 0 || short[0].Failures != 0 {
		t.Error("a member's own history was changed")
	}
}

func TestWeightedQuantile(t *testing.T) {
	t.Parallel()
	var l lifetimes
	l.add(&Totals{ClosesOut: 98, LifetimeP50: 1, LifetimeP99: 2})
	l.add(&Totals{ClosesOut: 2, LifetimeP50: 100, LifetimeP99: 200})
	l.add(&Totals{ClosesOut: 9, LifetimeP50: 0})
	if p50, p99 := l.quantiles(); p50 != 1 || p99 != 200 {
		t.Errorf("got %v and %v", p50, p99)
	}
	if p50, p99 := (&lifetimes{}).quantiles(); p50 != 0 || p99 != 0 {
		t.Errorf("of nothing: %v and %v", p50, p99)
	}
}

func BenchmarkGroupProcesses(b *testing.B) {
	rows := loop(8192)
	b.ReportAllocs()
	for b.Loop() {
		GroupProcesses(rows, ByExecutable)
	}
}
