package doctor

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	begin = event.Time(1000 * time.Second)
	inode = 4026531833
)

var (
	shop  = event.ProcID{PID: 100, Start: 1}
	cache = event.ProcID{PID: 300, Start: 4}
	local = endpoint("10.0.0.1:0")
	web   = endpoint("10.0.0.2:80")
)

func endpoint(s string) event.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

// host is what happens on a host, as the stream has it.
type host struct {
	net    event.Netns
	events []event.Event
	cookie uint64
	late   time.Duration // by which all of it is later than a whole second
}

func newHost(low, high uint16) *host {
	return &host{net: event.Netns{Inode: inode, Name: "host", TimeWait: -1, Ports: event.PortRange{Low: low, High: high}, MaxTimeWait: 131072}}
}

func (h *host) add(at time.Duration, kind event.Kind, change func(*event.Event)) {
	e := event.Event{Time: begin.Add(at), Kind: kind, Direction: event.Out, Proto: event.TCP, Netns: inode, Proc: shop, Src: local, Dst: web, Count: 1}
	change(&e)
	h.events = append(h.events, e)
}

// connection is one that a test opens.
type connection struct {
	at     time.Duration
	life   time.Duration // negative: it stays open
	proc   event.ProcID
	port   uint16
	to     event.Endpoint
	flags  event.Flags // of the open
	remote bool        // the peer closes first
}

// connect opens one, and closes it if it does not stay.
func (h *host) connect(c connection) {
	if !c.proc.Known() {
		c.proc = shop
	}
	if c.to == (event.Endpoint{}) {
		c.to = web
	}
	h.cookie++
	of, cookie := c, h.cookie
	set := func(e *event.Event) {
		e.Proc, e.Src.Port, e.Dst, e.Cookie, e.Flags = of.proc, of.port, of.to, cookie, of.flags
	}
	h.add(c.at, event.Open, set)
	if c.life < 0 {
		return
	}
	h.add(c.at+c.life, event.Close, func(e *event.Event) {
		set(e)
		e.Duration, e.ClosedBy, e.Flags = uint64(of.life), event.Local, event.TimeWait
		if of.remote {
			e.ClosedBy, e.Flags = event.Remote, 0
		}
	})
}

// fail is a call that failed.
func (h *host) fail(at time.Duration, op event.Op, reason event.Reason, errno event.Errno, change func(*event.Event)) {
	kind := event.ConnectFail
	if op != event.OpConnect {
		kind = event.BindFail
	}
	h.add(at, kind, func(e *event.Event) {
		e.Op, e.Reason, e.Errno = op, reason, errno
		if op != event.OpConnect {
			e.Dst = event.Endpoint{}
		}
		change(e)
	})
}

// bucketBefore is a connection whose TIME_WAIT was found at the start.
func (h *host) bucketBefore(port uint16, to event.Endpoint) {
	h.add(0, event.SocketFound, func(e *event.Event) {
		e.Proc, e.State, e.Src.Port, e.Dst, e.Flags = event.ProcID{}, event.StateTimeWait, port, to, event.BeforeStart
		e.First, e.Last = begin, begin.Add(55*time.Second)
	})
}

// boundBefore is the same of a connection whose port was bound before connect().
func (h *host) boundBefore(port uint16, to event.Endpoint) {
	h.bucketBefore(port, to)
	h.events[len(h.events)-1].Flags |= event.OwnedByBind
}

// openBefore is a connection that was open at the start.
func (h *host) openBefore(port uint16) {
	h.cookie++
	cookie := h.cookie
	h.add(0, event.SocketFound, func(e *event.Event) {
		e.State, e.Src.Port, e.Cookie, e.Flags = event.StateEstablished, port, cookie, event.BeforeStart
	})
}

func asIs(*event.Event) {}

// noPort is a connect that found none.
func (h *host) noPort(at time.Duration) {
	h.fail(at, event.OpConnect, event.RangeExhausted, event.EADDRNOTAVAIL, asIs)
}

// each calls f a number of times per second until an end.
func each(from, until time.Duration, perSecond int, f func(at time.Duration, n int)) {
	for n := 0; ; n++ {
		at := from + time.Duration(n)*time.Second/time.Duration(perSecond)
		if at >= until {
			return
		}
		f(at, n)
	}
}

// run returns what a History finds with two snapshots per second until the end, and the last one.
func (h *host) run(t *testing.T, until time.Duration) ([]Finding, *snapshot.Snapshot) {
	t.Helper()
	state := pipeline.NewState(nil)
	net := h.net
	facts := []event.Event{
		{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1_800_000_000e9, Boot: int64(begin)}},
		{Time: begin, Kind: event.NetnsKnown, Fact: &net},
		{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: shop, Comm: "shop", Exe: "/usr/bin/shop"}},
		{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: cache, Comm: "cache", Exe: "/usr/bin/cache"}},
	}
	slices.SortStableFunc(h.events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	events := append(facts, h.events...)
	for i := range events {
		e := &events[i]
		e.Time, e.First, e.Last = e.Time.Add(h.late), e.First.Add(h.late), e.Last.Add(h.late)
	}
	var history History
	var last *snapshot.Snapshot
	for now := begin.Add(h.late); now <= begin.Add(h.late+until); now = now.Add(time.Second / 2) {
		n := 0
		for n < len(events) && events[n].Time <= now {
			n++
		}
		if err := state.Add(event.Batch{Events: events[:n], Now: now}, nil); err != nil {
			t.Fatal(err)
		}
		events = events[n:]
		last = state.Snapshot(now)
		history.Add(last)
	}
	return history.Findings(), last
}

// urgent returns the findings that are more than notes.
func urgent(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Severity == Info })
}

// only returns the one finding that is more than a note.
func only(t *testing.T, findings []Finding) Finding {
	t.Helper()
	list := urgent(findings)
	if len(list) != 1 {
		for _, f := range list {
			t.Logf("%s %s: %s", f.Severity, f.ID, f.Summary)
		}
		t.Fatalf("%d findings, want 1", len(list))
	}
	return list[0]
}
