package verdict

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// subsides checks that time alone makes no verdict worse: from one snapshot to the next it may be
// more urgent only if another call has failed.
func subsides(t *testing.T, name string, series []*snapshot.Snapshot) {
	t.Helper()
	var history doctor.History
	var before Verdict
	for i, s := range series {
		history.Add(s)
		v := Of(s, history.Findings())
		if i > 0 && v.Level > before.Level && s.Totals.Failed() == series[i-1].Totals.Failed() {
			t.Errorf("%s at %s: %s: %s, after %s: %s", name, s.Wall.Format(time.TimeOnly), v.Level, v.Title, before.Level, before.Title)
		}
		before = v
	}
}

// After the end of a recording nothing fails any more.
func TestIncidentsSubside(t *testing.T) {
	t.Parallel()
	for _, incident := range recorded.Incidents() {
		reader, err := recorded.Open(incident.Name)
		if err != nil {
			t.Fatal(err)
		}
		begin, end := reader.Span()
		last := end.Sub(begin)
		subsides(t, incident.Name, recorded.Series(t, incident.Name, last-time.Second, last+75*time.Second, time.Second))
	}
}

// exhausting is the stream of a program that has used up ten ports towards each of two destinations by
// connections that it has closed: calls fail two and eight seconds after the begin, and a second later
// the ports can be had again.
func exhausting(begin event.Time) []event.Event {
	exha := event.ProcID{PID: 2246, Start: 1}
	ports := event.PortRange{Low: 40000, High: 40009}
	events := []event.Event{
		{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: testNow.UnixNano()}},
		{Time: begin, Kind: event.SignalsKnown, Fact: signals(nil)},
		{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: uxc, Name: "uxc", TimeWait: -1, Ports: ports, Reuse: 1}},
		{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: exha, Comm: "exha"}},
	}
	for i, dst := range []event.Endpoint{backend, database} {
		socket := event.Event{
			Direction: event.Out, Proto: event.TCP, Netns: uxc, Proc: exha, Count: 1,
			Src: event.Endpoint{Addr: address("10.77.0.1")}, Dst: dst,
		}
		fails := begin.Add(time.Duration(2+6*i) * time.Second)
		for port := ports.Low; port <= ports.High; port++ {
			open := socket
			open.Kind, open.Time, open.Src.Port = event.Open, fails.Add(-200*time.Millisecond), port
			closed := open
			closed.Kind, closed.Time, closed.Flags, closed.ClosedBy, closed.Duration = event.Close, fails.Add(-100*time.Millisecond), event.TimeWait, event.Local, 1e8
			events = append(events, open, closed)
		}
		for range 20 {
			failed := socket
			failed.Kind, failed.Time, failed.Op, failed.Errno, failed.Reason = event.ConnectFail, fails, event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
			events = append(events, failed)
		}
	}
	return events
}

// The calls towards one destination are over for longer than those towards the other.
func TestExhaustionsSubside(t *testing.T) {
	t.Parallel()
	begin, state := event.Time(time.Minute), pipeline.NewState(nil)
	events := exhausting(begin)
	var series []*snapshot.Snapshot
	for at := begin; at < begin.Add(2*time.Minute); at = at.Add(time.Second / 2) {
		due := slices.IndexFunc(events, func(e event.Event) bool { return e.Time > at })
		if due < 0 {
			due = len(events)
		}
		if err := state.Add(event.Batch{Events: events[:due], Now: at}, nil); err != nil {
			t.Fatal(err)
		}
		events = events[due:]
		series = append(series, state.Snapshot(at))
	}
	subsides(t, "two destinations", series)
	if last := series[len(series)-1]; last.Totals.Failed() != 40 || Of(last, nil).Level != OK {
		t.Errorf("%d failed; %s", last.Totals.Failed(), Of(last, nil).Title)
	}
}
