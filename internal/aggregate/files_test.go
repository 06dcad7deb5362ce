package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func filesOf(open, limit uint64, id event.ProcID) event.Event {
	return event.Event{Time: begin, Kind: event.FilesCounted, Proc: id, Count: 1, Fact: &event.FileUse{Open: open, Limit: limit}}
}

// A process near its limit has a row although nothing else is known of it, and keeps it when the
// counting begins again. One that is not near has its count if it has a row.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := of(
		known(nginx, "nginx"), filesOf(1020, 1024, nginx), filesOf(50, 1024, worker),
		filesOf(50, 1024, shop), with(event.Open, nil), after(time.Second, filesOf(60, 1024, shop)),
		notSelected(filesOf(1024, 1024, cache)),
	)
	for range 2 {
		snap := s.Snapshot(begin.Add(2 * time.Second))
		if p := processOf(t, snap, nginx); p.Info.Comm != "nginx" || *p.Files != (event.FileUse{Open: 1020, Limit: 1024}) || p.Opens != 0 {
			t.Errorf("near its limit: %+v", p)
		}
		if p := processOf(t, snap, shop); *p.Files != (event.FileUse{Open: 60, Limit: 1024}) {
			t.Errorf("with a row: %+v", p)
		}
		if len(snap.Processes) != 2 {
			t.Errorf("%d rows", len(snap.Processes))
		}
		s.Restart(begin.Add(2 * time.Second))
	}
}

// TestFilesBounded: very many processes take no more room than two generations.
func TestFilesBounded(t *testing.T) {
	t.Parallel()
	var f files
	for pid := range uint32(5 * maxYoungFiles) {
		f.add(event.ProcID{PID: pid + 1}, countedFiles{use: &event.FileUse{Open: 1, Limit: 2}})
	}
	if n := len(f.young) + len(f.old); n > 2*maxYoungFiles || n < maxYoungFiles {
		t.Errorf("%d are kept", n)
	}
}

// Opens of a port that bind() had chosen are counted by process.
func TestEarlyBinds(t *testing.T) {
	t.Parallel()
	early := func(port uint16) event.Event { return with(event.Open, all(from(port), flagged(event.EarlyBind))) }
	s := of(early(40000), early(40001), with(event.Open, from(40002)), fold(event.Fold{Opens: 5}, nil))
	if p := processOf(t, s.Snapshot(begin), shop); p.EarlyBinds != 2 || p.Opens != 8 {
		t.Errorf("%d of %d opens", p.EarlyBinds, p.Opens)
	}
	s.Restart(begin.Add(time.Second))
	s.Add([]event.Event{after(2*time.Second, early(40003))})
	if p := processOf(t, s.Snapshot(begin.Add(3*time.Second)), shop); p.EarlyBinds != 1 || p.Opens != 1 {
		t.Errorf("after a restart %d of %d opens", p.EarlyBinds, p.Opens)
	}
}

// The socket that was in the way of a service stays in the row of the failure when it is gone, with
// what it was: a connection that this host had opened.
func TestHolderOutlivesSocket(t *testing.T) {
	t.Parallel()
	held := with(event.Open, nil)
	fails := after(time.Second, with(event.BindFail, func(e *event.Event) {
		e.Proc, e.Dst, e.Direction, e.Op, e.Errno, e.Reason = nginx, event.Endpoint{}, event.Unknown, event.OpBind, event.EADDRINUSE, event.PortTaken
		e.Src.Addr = endpoint("0.0.0.0:0").Addr
		e.Holder = &event.Holder{Proc: shop, State: event.StateEstablished, Local: held.Src, Remote: web, Outgoing: true}
	}))
	again := after(3*time.Second, fails)
	again.Holder = nil // by then it is not known which socket is in the way
	s := of(known(shop, "shop"), held, fails, after(2*time.Second, with(event.Close, nil)), again)
	snap := s.Snapshot(begin.Add(time.Hour))
	if len(snap.Failures) != 1 {
		t.Fatalf("%d rows", len(snap.Failures))
	}
	if h := snap.Failures[0].HeldBy; h == nil || !h.Outgoing || h.Remote != web || h.Info.Comm != "shop" || snap.Failures[0].Count != 2 {
		t.Errorf("%+v", h)
	}
}
