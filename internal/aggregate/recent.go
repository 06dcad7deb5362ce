package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// recent keeps the newest events of the selected sockets. Snapshots share the array: what they
// have is never overwritten, a full array is replaced by a new one with its newest half.
//
// In a storm one program would push out all others, and a thousand lines a second cannot be read:
// the events of a process are limited in each second, and failures have a share of their own.
type recent struct {
	list []snapshot.RecentEvent

	second       int64
	calls, fails int // in that second
	ofProcess    map[event.ProcID]int
	leftOut      uint64
}

const (
	recentCalls     = 100 // events a second that are no failures
	recentFails     = 100
	recentOfProcess = 20 // of either kind, for one process
)

func newRecent() recent { return recent{ofProcess: map[event.ProcID]int{}} }

// add keeps an event of a socket, unless it is one too many of its second.
func (r *recent) add(e *event.Event, world *event.World) {
	if e.Flags.Has(event.NotSelected) || e.First != 0 || !listed(e.Kind) {
		return
	}
	if second := history.SecondOf(e.Time); second != r.second {
		r.second, r.calls, r.fails = second, 0, 0
		clear(r.ofProcess)
	}
	count, most := &r.calls, recentCalls
	if e.Kind == event.ConnectFail || e.Kind == event.BindFail || e.Kind == event.SynUnanswered {
		count, most = &r.fails, recentFails
	}
	if *count >= most || r.ofProcess[e.Proc] >= recentOfProcess {
		r.leftOut++
		return
	}
	*count++
	r.ofProcess[e.Proc]++
	r.push(snapshot.RecentEvent{Event: *e, Process: world.Process(e.Proc), NetnsName: world.Netns(e.Netns).Name})
}

// listed reports whether a kind is of those that are listed one by one.
func listed(k event.Kind) bool {
	switch k {
	case event.Open, event.Close, event.ConnectFail, event.Bind, event.BindFail, event.SynUnanswered:
		return true
	}
	return false
}

func (r *recent) push(one snapshot.RecentEvent) {
	if len(r.list) == cap(r.list) {
		kept := r.list[max(len(r.list)-snapshot.MaxRecentEvents, 0):]
		r.list = append(make([]snapshot.RecentEvent, 0, 2*snapshot.MaxRecentEvents), kept...)
	}
	r.list = append(r.list, one)
}

// newest returns the newest events, which do not change any more.
func (r *recent) newest() []snapshot.RecentEvent {
	n := len(r.list)
	return r.list[max(n-snapshot.MaxRecentEvents, 0):n:n]
}
