package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// curls are calls of one process each: the newest has failed last, and the oldest first.
func curls(n int) []snapshot.Failure {
	var rows []snapshot.Failure
	for i := range n {
		at := started.Add(time.Duration(i) * time.Second)
		rows = append(rows, snapshot.Failure{
			Proc:  event.Process{ID: event.ProcID{PID: uint32(9000 + i), Start: 1}, Comm: "curl", Exe: "/usr/bin/curl"},
			Proto: event.TCP, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted, Target: endpoint("10.0.0.2:80"),
			Count: 2, Rate: 0.5, Resent: 1, First: at, Last: at.Add(500 * time.Millisecond),
		})
	}
	return rows
}

// A shell loop whose every curl fails is one row, with the sums and the times of all.
func TestFailuresByProgram(t *testing.T) {
	t.Parallel()
	rows := curls(30)
	rows[7].Inferred = event.FieldErrno
	other := curls(1)[0]
	other.Proc.Comm, other.Count = "wget", 100
	for _, order := range []string{"oldest first", "newest first"} {
		merged := byProgram(append(rows, other))
		if len(merged) != 2 || merged[0].name() != "wget(9000)" {
			t.Fatalf("%s: %d rows, %+v", order, len(merged), merged)
		}
		m := &merged[1]
		if m.name() != "curl ×30" || m.Count != 60 || m.Rate != 15 || m.Resent != 30 || m.Inferred != event.FieldErrno ||
			!m.First.Equal(started) || !m.Last.Equal(started.Add(29500*time.Millisecond)) {
			t.Errorf("%s: %s %+v", order, m.name(), m.Failure)
		}
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	unlike := curls(2)
	unlike[1].Target = endpoint("10.0.0.3:80")
	if got := byProgram(unlike); len(got) != 2 {
		t.Errorf("two targets are %d rows", len(got))
	}
}

// The row of a space has few holders. Those of a loop of short programs are counted by their
// connections, unless these can be of another space.
func TestHoldersByProgram(t *testing.T) {
	t.Parallel()
	s := busy()
	p := snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Proto: event.TCP, Local: endpoint("10.0.0.1:0").Addr, Remote: endpoint("10.0.0.2:80"),
		OtherHolders: snapshot.Holder{TimeWait: 98}, Holders: []snapshot.Holder{
			{Proc: event.Process{ID: event.ProcID{PID: 9000, Start: 1}, Comm: "curl"}, TimeWait: 1},
			{Proc: event.Process{ID: event.ProcID{PID: 9001, Start: 1}, Comm: "curl"}, TimeWait: 1},
			{TimeWait: 50, Before: 50},
		},
	}
	p.Capacity, p.TimeWait = 150, 150
	for i := range 100 {
		s.Pairs = append(s.Pairs, snapshot.Pair{
			Proc: event.ProcID{PID: uint32(9000 + i), Start: 1}, Comm: "curl", Proto: event.TCP, Remote: p.Remote,
			Totals: snapshot.Totals{Opens: 1, ClosesOut: 1, TimeWaitOut: 1},
		})
	}
	s.PortSpaces = []snapshot.PortSpace{p}
	w := writer{s: s}
	held := func() string {
		list, complete := w.holders(&p)
		text := fmt.Sprint(complete)
		for i := range list {
			text += fmt.Sprintf(", %s %d", list[i].name(), list[i].Ports())
		}
		return text
	}
	if got := held(); got != "true, curl ×100 100, sockets before start 50" {
		t.Error(got)
	}
	elsewhere := p
	elsewhere.Local = endpoint("10.0.0.9:0").Addr
	s.PortSpaces = append(s.PortSpaces, elsewhere)
	if got := held(); got != "false, sockets before start 50, curl ×2 2" {
		t.Error(got)
	}
}

// A table that is too wide loses the columns that are named for that, then the middle of its
// longest texts; columns without anything are never there.
func TestNarrowTable(t *testing.T) {
	t.Parallel()
	t1 := table{
		head: []string{"name", "a", "zero", "b"}, left: "name", optional: []string{"zero", "a"},
		width: 40, drop: []string{"b"}, flex: []string{"name"},
	}
	t1.add("2001:db8:0:0:1111::1 → [2001:db8::2222]:5432", "7", "0", strings.Repeat("9", 30))
	t1.add("short", "0", "-", "1")
	var w writer
	t1.write(&w.out, "T", 0)
	const want = "\nT\n" +
		"  name                                a\n" +
		"  2001:db8:0:…→ [2001:db8::2222]:5432  7\n" +
		"  short                                0\n"
	if got := w.out.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got\n%s", got)
	}
	checkTextWidth(t, "narrow", w.out.String())
}

// What nothing is to be said of is not in the text.
func TestNothingEmpty(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{
		Wall: started, Signals: event.Signals{{Name: event.SignalStates, Mode: event.Exact}},
		PortSpaces: []snapshot.PortSpace{
			{Kind: snapshot.ConnectSpace, NetnsName: "a", Remote: endpoint("10.0.0.1:1"), Occupancy: event.Occupancy{Capacity: 100}},
			{Kind: snapshot.ConnectSpace, NetnsName: "gone", NetnsGone: true, Remote: endpoint("10.0.0.2:2"), Occupancy: event.Occupancy{Capacity: 100, Live: 30}},
			{Kind: snapshot.ConnectSpace, NetnsName: "c", Remote: endpoint("10.0.0.3:3"), Occupancy: event.Occupancy{Capacity: 100, Live: 9}},
		},
		Processes:    []snapshot.Process{{Info: event.Process{ID: event.ProcID{PID: 1}, Comm: "idle"}}},
		Destinations: []snapshot.Destination{{Remote: endpoint("10.0.0.4:4")}},
	}
	var w strings.Builder
	if err := Text(&w, s, nil, TextOptions{Unmatched: "Filter --comm x matches nothing"}); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"10.0.0.1:1", "10.0.0.2:2", "idle", "10.0.0.4", "Processes", "Destinations", "Failures", "Health", "seen "} {
		if strings.Contains(w.String(), absent) {
			t.Errorf("%q is in\n%s", absent, &w)
		}
	}
	for _, present := range []string{"10.0.0.3:3", "  and 2 more\n", "Filter --comm x matches nothing"} {
		if !strings.Contains(w.String(), present) {
			t.Errorf("no %q in\n%s", present, &w)
		}
	}
}
