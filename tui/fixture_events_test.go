package tui

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// eventsOf are events of a process, oldest first.
func eventsOf(id event.ProcID) []event.Event {
	now := event.Time(fixtureNow.UnixNano())
	common := event.Event{Netns: 1, Proc: id, Proto: event.TCP, Direction: event.Out, Src: remote("10.0.0.1", 40_112), Dst: cache, Count: 1}
	var list []event.Event
	add := func(ago time.Duration, change func(*event.Event)) {
		e := common
		e.Time = now.Add(-ago)
		change(&e)
		list = append(list, e)
	}
	add(4*time.Second, func(e *event.Event) { e.Kind = event.Open })
	add(3*time.Second, func(e *event.Event) {
		e.Kind, e.Duration, e.ClosedBy, e.Flags = event.Close, uint64(time.Second), event.Local, event.TimeWait
	})
	add(2*time.Second, func(e *event.Event) {
		e.Kind, e.Op, e.Errno, e.Reason, e.Src.Port = event.ConnectFail, event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted, 0
	})
	add(time.Second, func(e *event.Event) {
		e.Kind, e.Op, e.Errno, e.Reason, e.Src, e.Dst = event.BindFail, event.OpBind, event.EADDRINUSE, event.PortTaken, remote("0.0.0.0", 443), event.Endpoint{}
	})
	add(500*time.Millisecond, func(e *event.Event) { e.Kind, e.Dst = event.SynUnanswered, api })
	return list
}

// withEvents adds the newest events of the processes.
func withEvents(s *snapshot.Snapshot) *snapshot.Snapshot {
	for i := range s.Processes {
		p := &s.Processes[i].Info
		if !p.ID.Known() {
			continue
		}
		for _, e := range eventsOf(p.ID) {
			s.RecentEvents = append(s.RecentEvents, snapshot.RecentEvent{Event: e, Process: p, NetnsName: "host"})
		}
	}
	slices.SortStableFunc(s.RecentEvents, func(a, b snapshot.RecentEvent) int { return cmp.Compare(a.Time, b.Time) })
	return s
}
