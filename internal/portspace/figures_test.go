package portspace

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// stream makes events at random: of a few ports and ends, so that they meet, with all that decides
// whether a bucket can be reused.
type stream struct {
	*rand.Rand
	at event.Time
}

func (s *stream) one(n int) bool { return s.IntN(n) == 0 }

func pick[T any](s *stream, of ...T) T { return of[s.IntN(len(of))] }

func (s *stream) next() event.Event {
	s.at = s.at.Add(time.Duration(s.IntN(int(pick(s, 0, 200*time.Millisecond, 3*time.Second)) + 1)))
	e := s.socket()
	switch s.IntN(60) {
	case 0:
		e = config(pick(s, hundred, event.PortRange{Low: 40000, High: 40009}), pick(s, "", "40003"), s.setting)
	case 1:
		e = event.Event{Kind: event.CensusTaken, Fact: &event.Census{
			Netns: net1, Bound: s.one(2), Whole: s.one(8), TimeWait: uint64(pick(s, 0, 20*time.Second)),
		}}
	case 2:
		e = event.Event{Kind: event.Missing, Fact: &event.Gap{}}
	}
	if e.Time = s.at; s.one(20) {
		e.Time = s.at.Add(-time.Duration(s.IntN(int(2 * time.Second)))) // late
	}
	return e
}

func (s *stream) setting(n *event.Netns) {
	n.Reuse, n.ReuseDelay = uint8(pick(s, 0, 1, 1, 2)), uint64(pick(s, 0, 5*time.Second))
	n.Timestamps = event.SettingOf(pick[uint8](s, 0, 1, 1))
	n.TimeWaitSetting = uint64(pick(s, 0, 0, 30*time.Second))
	n.TimeWait = int64(pick(s, -1, -1, 3))
	if s.one(4) {
		n.Ports = event.PortRange{} // only a count
	}
}

func (s *stream) socket() event.Event {
	kind := pick(s, event.Open, event.Open, event.Close, event.Close, event.Close, event.EnterCloseWait, event.SynUnanswered,
		event.Bind, event.Listen, event.ListenEnd, event.SocketFound, event.SocketFound, event.SocketGone)
	src := fmt.Sprintf("%s:%d", pick(s, "10.0.0.1", "127.0.0.1"), 39998+s.IntN(24))
	dst := pick(s, "10.0.0.2:80", "10.0.0.3:80")
	switch kind {
	case event.Bind, event.Listen, event.ListenEnd:
		dst = ""
	}
	e := socketEvent(kind, src, dst, cookie(uint64(s.IntN(3))), by(pick(s, shop, cache)))
	if s.one(8) {
		e.Direction = event.In
	}
	e.Flags = pick(s, 0, 0, event.TimeWait, event.TimeWait, event.TimeWait|event.NoTimestamps, event.FinWait2)
	if kind == event.Open {
		e.Flags = pick(s, 0, 0, event.EarlyBind)
	}
	if kind == event.SocketFound {
		e.State, e.Last = pick(s, event.StateTimeWait, event.StateTimeWait, event.StateEstablished), s.at.Add(time.Minute/2)
		e.Flags |= pick(s, 0, 0, event.OwnedByBind)
	}
	return e
}

// TestFigures: what a space keeps is what a pass over its sockets finds, whatever has happened
// since it was counted, at any moment.
func TestFigures(t *testing.T) {
	t.Parallel()
	reusable := 0
	for seed := range uint64(20) {
		s := &stream{rand.New(rand.NewPCG(seed, 1)), start}
		table := tableOf(config(hundred, "", s.setting))
		for i := range 3000 {
			e := s.next()
			table.Add(&e)
			if s.one(10) {
				s.at = s.at.Add(time.Second)
				table.Advance(s.at)
			}
			table.Each(func(space *Space) {
				if s.one(2) { // else it keeps what it has for longer
					now := s.at.Add(time.Duration(s.IntN(int(8*time.Second))) - 2*time.Second)
					reusable += checkFigures(t, fmt.Sprintf("seed %d, event %d, %+v", seed, i, space.ID), space.All(), now)
				}
			})
			if t.Failed() {
				return
			}
		}
	}
	if reusable < 1000 {
		t.Errorf("only %d could be reused", reusable)
	}
}

// checkFigures returns how many buckets can be reused.
func checkFigures(t *testing.T, where string, v View, now event.Time) (reusable int) {
	t.Helper()
	var buckets, kept, unstamped int
	for port, socket := range v.Each() {
		if socket.State != event.StateTimeWait || !v.reuses() {
			continue
		}
		buckets++
		if v.isKept(port, &socket) {
			kept++
		}
		if v.Holds(port) && v.isUnstamped(&socket) {
			unstamped++
		}
		if v.isReusable(port, &socket, now) {
			reusable++
		}
	}
	var all, found Holding
	for port, socket := range v.Each() {
		all.InRange = v.Holds(port)
		all.add(&socket)
	}
	v.EachHolding(now, func(h *Holding) {
		found.InRange = h.InRange // that of the last socket
		found.TimeWait, found.Open, found.Before, found.Unseen = found.TimeWait+h.TimeWait, found.Open+h.Open, found.Before+h.Before, found.Unseen+h.Unseen
		found.SynSent, found.CloseWait = found.SynSent+h.SynSent, found.CloseWait+h.CloseWait
	})
	if all != found {
		t.Errorf("%s: the holdings add up to %+v, not %+v", where, found, all)
	}
	if got := v.Occupancy(now).Reusable; got != reusable {
		t.Errorf("%s: %d can be reused, not %d", where, got, reusable)
	}
	if f := v.figures(); f.buckets != buckets || f.kept != kept || v.Unstamped() != unstamped {
		t.Errorf("%s: %+v, but there are %d buckets, %d of them kept, %d without timestamps", where, f, buckets, kept, unstamped)
	}
	return reusable
}

// TestFiguresOfMany: of many sockets the ports of a bind() are not looked up one by one.
func TestFiguresOfMany(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := tableOf(config(event.PortRange{Low: 40000, High: 40999}, "", func(n *event.Netns) { n.Reuse = 1 }))
	for i := range lookedUp + 10 {
		e := socketEvent(event.Close, local(i), dst, flags(event.TimeWait))
		table.Add(&e)
	}
	for i := range 7 {
		e := socketEvent(event.Listen, fmt.Sprintf("10.0.0.9:%d", 40000+i), "")
		table.Add(&e)
	}
	if n := checkFigures(t, "many", spaceTo(table, "10.0.0.1", dst), start.Add(2*time.Second)); n != lookedUp+3 {
		t.Errorf("%d can be reused", n)
	}
}
