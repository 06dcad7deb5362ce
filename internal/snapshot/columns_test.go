package snapshot

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func processNamed(pid uint32, comm string, opens uint64, rate float64) Process {
	return Process{
		Info:   event.Process{ID: event.ProcID{PID: pid}, Comm: comm},
		Totals: Totals{Opens: opens},
		Rates:  Rates{Opens: rate},
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	rows := []Process{
		processNamed(3, "curl", 10, 0),
		processNamed(1, "wget", 20, 5),
		processNamed(2, "ab", 20, 0),
		processNamed(4, "curl", 1, 5),
	}
	before := slices.Clone(rows)
	for _, tc := range []struct {
		column  string
		reverse bool
		want    []uint32
	}{
		{"pid", false, []uint32{1, 2, 3, 4}},
		{"pid", true, []uint32{4, 3, 2, 1}},
		{"command", false, []uint32{2, 3, 4, 1}},
		{"opens", false, []uint32{1, 2, 3, 4}},
		{"opens", true, []uint32{4, 3, 2, 1}},
		{"open_rate", false, []uint32{1, 4, 2, 3}},
	} {
		by, ok := ColumnNamed(ProcessColumns(), tc.column)
		if !ok {
			t.Fatalf("there is no column %s", tc.column)
		}
		var got []uint32
		for _, row := range Sort(rows, by, tc.reverse) {
			got = append(got, row.Info.ID.PID)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s, reverse %v: got %v, want %v", tc.column, tc.reverse, got, tc.want)
		}
	}
	if fmt.Sprint(rows) != fmt.Sprint(before) {
		t.Error("the input was changed")
	}
}

func TestSortFailures(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := []Failure{
		{Count: 1, Last: at},
		{Count: 2, Last: at.Add(time.Second)},
		{Count: 3, Rate: 1, Last: at, Op: event.OpBind},
	}
	for column, want := range map[string][]uint64{"rate": {3, 2, 1}, "last": {2, 1, 3}, "count": {3, 2, 1}} {
		by, _ := ColumnNamed(FailureColumns(), column)
		var got []uint64
		for _, row := range Sort(rows, by, false) {
			got = append(got, row.Count)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", column, got, want)
		}
	}
}

// TestOrdersAreTotal shuffles rows that are equal but for what they are.
func TestOrdersAreTotal(t *testing.T) {
	t.Parallel()
	processes := []Process{processNamed(1, "a", 1, 1), processNamed(2, "a", 1, 1)}
	destinations := []Destination{{Remote: event.Endpoint{Port: 1}}, {Remote: event.Endpoint{Port: 2}}, {Netns: 1}, {Proto: event.UDP}}
	pairs := []Pair{{Proc: event.ProcID{PID: 1}}, {Remote: event.Endpoint{Port: 1}}, {Netns: 1}, {Proto: event.UDP}}
	failures := []Failure{{Proto: event.UDP}, {Op: event.OpBind}, {Errno: 1}, {Reason: 1}, {Netns: 1}, {Target: event.Endpoint{Port: 1}}}
	checkTotal(t, ProcessColumns(), processes)
	checkTotal(t, DestinationColumns(), destinations)
	checkTotal(t, PairColumns(), pairs)
	checkTotal(t, FailureColumns(), failures)
	checkTotal(t, GroupColumns(), []ProcessGroup{{}, {GroupKey: GroupKey{Name: "a"}}, {GroupKey: GroupKey{Unknown: true}}})
	checkTotal(t, SpaceColumns(), []PortSpace{
		{},
		{Kind: BindSpace},
		{Netns: 1},
		{Proto: event.UDP},
		{Local: event.Addr{1}},
		{Remote: event.Endpoint{Port: 1}},
		{Device: 1},
		{Range: event.PortRange{Low: 1}},
		{Range: event.PortRange{High: 1}},
	})
}

func checkTotal[T any](t *testing.T, columns []Column[T], rows []T) {
	t.Helper()
	names := map[string]bool{}
	for _, c := range columns {
		if names[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		names[c.Name] = true
		for i := range rows {
			for j := range rows {
				forth, back := c.Compare(&rows[i], &rows[j]), c.Compare(&rows[j], &rows[i])
				if forth != -back || (forth == 0) != (i == j) {
					t.Errorf("%s: rows %d and %d compare as %d and %d", c.Name, i, j, forth, back)
				}
			}
		}
	}
}

func BenchmarkSort(b *testing.B) {
	rows := make([]Process, 10_000)
	for i := range rows {
		rows[i] = processNamed(uint32(i), "x", uint64(i*7919%10_007), 0)
	}
	by, _ := ColumnNamed(ProcessColumns(), "opens")
	b.ReportAllocs()
	for b.Loop() {
		Sort(rows, by, false)
	}
}
