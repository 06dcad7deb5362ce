package portspace

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// No event about one socket changes another that has the same 4-tuple.
func TestSameTuple(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40000", "10.0.0.2:80"
	first := func(kind event.Kind, change ...func(*event.Event)) event.Event {
		return socketEvent(kind, src, dst, append([]func(*event.Event){cookie(1)}, change...)...)
	}
	second := func(kind event.Kind, change ...func(*event.Event)) event.Event {
		return socketEvent(kind, src, dst, append([]func(*event.Event){cookie(2), by(cache), at(time.Second)}, change...)...)
	}
	withoutCookie := func(e event.Event) event.Event {
		e.Cookie = 0
		return e
	}
	taken := func(e *event.Event) { e.Reason = event.TupleTaken }
	for name, c := range map[string]struct {
		held   event.Event
		events []event.Event
		want   event.State
	}{
		"the tuple is taken": {first(event.Open), []event.Event{second(event.ConnectFail, taken, flags(event.EarlyBind))}, event.StateEstablished},
		"another fails":      {first(event.Open), []event.Event{second(event.ConnectFail, flags(event.HadPort))}, event.StateEstablished},
		"another closes":     {first(event.Open), []event.Event{second(event.Close)}, event.StateEstablished},
		"another leaves a bucket": {
			first(event.Open), []event.Event{second(event.Close, flags(event.TimeWait))}, event.StateEstablished,
		},
		"another's peer closes": {first(event.Open), []event.Event{second(event.EnterCloseWait)}, event.StateEstablished},
		"another waits":         {first(event.Open), []event.Event{second(event.SynUnanswered)}, event.StateEstablished},
		"another is answered": {
			first(event.Open, flags(event.Unanswered)), []event.Event{second(event.SynAnswered)}, event.StateSynSent,
		},
		"late events of the one before a bucket": {
			first(event.Open), []event.Event{
				first(event.Close, flags(event.TimeWait)), second(event.EnterCloseWait), second(event.ConnectFail, flags(event.HadPort)),
			}, event.StateTimeWait,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, strip := range map[string]func(event.Event) event.Event{
				"with cookies": func(e event.Event) event.Event { return e }, "by owner": withoutCookie,
			} {
				table := tableOf(strip(c.held))
				for _, e := range c.events {
					e = strip(e)
					table.Add(&e)
				}
				got := table.socket(PortOf(&c.held))
				if got == nil || got.State != c.want || got.Proc != shop {
					t.Errorf("%s: the socket is %+v, want one of %+v in state %d", what, got, shop, c.want)
				}
			}
		})
	}
}

// A port passes to another socket on one processor before the close of its last owner is
// reported on another.
func TestPortPassesOn(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40000", "10.0.0.2:80"
	for _, bucket := range []event.Flags{0, event.TimeWait, event.FinWait2} {
		table := tableOf(
			socketEvent(event.Open, src, dst, cookie(1)),
			socketEvent(event.Open, src, dst, cookie(2), at(time.Second)),
			socketEvent(event.Close, src, dst, cookie(1), flags(bucket), at(time.Second)),
		)
		e := socketEvent(event.Open, src, dst)
		if got := table.socket(PortOf(&e)); got == nil || got.Cookie != 2 || got.State != event.StateEstablished {
			t.Errorf("flags %d: the socket is %+v", bucket, got)
		}
	}
}

// TestSpaceAfterNone: that there was no space for an event is no longer so once one is made.
func TestSpaceAfterNone(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40000", "10.0.0.2:80"
	unknown, open, closed := socketEvent(event.Close, src, dst), socketEvent(event.Open, src, dst), socketEvent(event.Close, src, dst)
	other, third := socketEvent(event.Open, src, "10.0.0.3:80"), socketEvent(event.Open, "10.0.0.1:40001", "10.0.0.3:80")
	table := tableOf(other, unknown, open, third, closed)
	if got := table.socket(PortOf(&open)); got != nil {
		t.Errorf("after its end there is %+v", got)
	}
	if table.socket(PortOf(&other)) == nil {
		t.Error("the other one is gone")
	}
}
