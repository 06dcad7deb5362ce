package pipeline

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// The tee gets events as the socket table completes them: without a bucket that the kernel had no
// room for, and with the socket that is in the way of a failure.
func TestTeeGetsCompleteEvents(t *testing.T) {
	t.Parallel()
	at := event.Time(100 * time.Second)
	netns := &event.Netns{
		Inode: 1, Ports: event.PortRange{Low: 40000, High: 40099}, MaxTimeWait: 1, FinTimeout: uint64(time.Minute), TimeWait: 0,
	}
	closed := func(port uint16) event.Event {
		e := on(port, socket(at, event.Close, shop, event.TimeWait))
		e.Netns, e.Inferred = 1, event.FieldTimeWait
		return e
	}
	wanted := on(40000, socket(at, event.BindFail, curl, 0))
	wanted.Netns, wanted.Dst, wanted.Direction = 1, event.Endpoint{}, event.Unknown
	wanted.Op, wanted.Errno, wanted.Reason = event.OpBind, event.EADDRINUSE, event.PortTaken
	var got []event.Event
	state := newState(nil, true, false)
	err := state.Add(event.Batch{Events: []event.Event{
		fact(at, event.NetnsKnown, netns), closed(40000), closed(40001), wanted,
	}}, func(e *event.Event, _ *event.World) error {
		got = append(got, *e)
		return nil
	})
	if err != nil || len(got) != 4 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	if first, second := got[1].Flags.Has(event.TimeWait), got[2].Flags.Has(event.TimeWait); !first || second {
		t.Errorf("a bucket was left: %v, and beyond tcp_max_tw_buckets: %v", first, second)
	}
	if h := got[3].Holder; h == nil || h.Proc != shop || h.State != event.StateTimeWait || h.Expiry <= at {
		t.Errorf("the holder is %+v", h)
	}
}
