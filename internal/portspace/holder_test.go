package portspace

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestHolder(t *testing.T) {
	t.Parallel()
	const server, client, peer = "10.0.0.1:8080", "10.0.0.1:40000", "10.0.0.2:80"
	listen := func(changes ...func(*event.Event)) event.Event {
		return socketEvent(event.Listen, server, "", append([]func(*event.Event){going(event.Unknown), by(cache), cookie(9)}, changes...)...)
	}
	open := func(dst string, changes ...func(*event.Event)) event.Event {
		return socketEvent(event.Open, client, dst, changes...)
	}
	closed := func(dst string, after time.Duration) event.Event {
		return socketEvent(event.Close, client, dst, at(after), flags(event.TimeWait))
	}
	accepted := func(dst string, after time.Duration) event.Event {
		return socketEvent(event.Close, server, dst, going(event.In), by(cache), at(after), flags(event.TimeWait))
	}
	gone := func(c uint64) event.Event {
		return socketEvent(event.ListenEnd, server, "", going(event.Unknown), cookie(c))
	}
	ofSocket := func(proc event.ProcID, state event.State, local, remote string) *event.Holder {
		h := &event.Holder{Proc: proc, State: state, Local: endpoint(local)}
		if remote != "" {
			h.Remote = endpoint(remote)
		}
		return h
	}
	for name, c := range map[string]struct {
		events []event.Event
		wanted string // by bind(); empty: by connect() from client to peer
		want   *event.Holder
	}{
		"nothing":                          {nil, server, nil},
		"a listener":                       {[]event.Event{listen()}, server, ofSocket(cache, event.StateListen, server, "")},
		"a listener, wildcard":             {[]event.Event{listen()}, "0.0.0.0:8080", ofSocket(cache, event.StateListen, server, "")},
		"a listener of another address":    {[]event.Event{listen()}, "10.0.0.7:8080", nil},
		"a listener that has ended":        {[]event.Event{listen(), gone(9)}, server, nil},
		"another socket there has ended":   {[]event.Event{listen(), gone(8)}, server, ofSocket(cache, event.StateListen, server, "")},
		"an outgoing connection":           {[]event.Event{open(peer)}, client, ofSocket(shop, event.StateEstablished, client, peer)},
		"one from another address":         {[]event.Event{open(peer)}, "10.0.0.7:40000", nil},
		"one from another port":            {[]event.Event{open(peer)}, "10.0.0.1:40001", nil},
		"one that waits for an answer":     {[]event.Event{open(peer, flags(event.Unanswered))}, client, ofSocket(shop, event.StateSynSent, client, peer)},
		"a connection to itself":           {[]event.Event{open(client)}, client, ofSocket(shop, event.StateEstablished, client, client)},
		"open before bucket":               {[]event.Event{open("10.0.0.3:80"), closed("10.0.0.3:80", 0), open(peer)}, client, ofSocket(shop, event.StateEstablished, client, peer)},
		"the same 4-tuple":                 {[]event.Event{open(peer, cookie(5))}, "", ofSocket(shop, event.StateEstablished, client, peer)},
		"another 4-tuple":                  {[]event.Event{open("10.0.0.3:80", cookie(5))}, "", nil},
		"the bucket that lives for longer": {[]event.Event{open(peer), closed(peer, 2*time.Second), open("10.0.0.3:80"), closed("10.0.0.3:80", time.Second)}, client, ofSocket(shop, event.StateTimeWait, client, peer)},
		"accepted, the newest":             {[]event.Event{accepted("10.0.0.3:1", time.Second), accepted("10.0.0.4:1", 2*time.Second)}, server, ofSocket(cache, event.StateTimeWait, server, "10.0.0.4:1")},
		"accepted, and a listener":         {[]event.Event{accepted("10.0.0.3:1", 0), listen()}, server, ofSocket(cache, event.StateListen, server, "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := tableOf(append([]event.Event{config(event.PortRange{Low: 40000, High: 40099}, "")}, c.events...)...)
			e := socketEvent(event.BindFail, client, "", going(event.Unknown), at(3*time.Second), cookie(77))
			e.Op, e.Reason = event.OpBind, event.PortTaken
			if c.wanted == "" {
				e = socketEvent(event.ConnectFail, client, peer, at(3*time.Second), cookie(77))
				e.Op, e.Reason = event.OpConnect, event.TupleTaken
			} else {
				e.Src = endpoint(c.wanted)
			}
			table.Complete(&e)
			got := e.Holder
			if got != nil && got.State == event.StateTimeWait {
				if left := got.Expiry.Sub(e.Time); left < 55*time.Second || left > 62*time.Second {
					t.Errorf("free after %s", left)
				}
				got.Expiry = 0
			}
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			for _, other := range []event.Reason{event.RangeExhausted, event.ForeignAddress} {
				if e.Reason = other; table.Holder(&e) != nil {
					t.Errorf("%s has a holder", other)
				}
			}
		})
	}
}

// listen() of a socket is not in its own way, and neither is a bind() that failed before.
func TestHolderIsAnother(t *testing.T) {
	t.Parallel()
	const server = "10.0.0.1:8080"
	table := tableOf(socketEvent(event.Bind, server, "", going(event.Unknown), by(cache), cookie(3)))
	e := socketEvent(event.BindFail, server, "", going(event.Unknown), by(cache), cookie(3))
	e.Op, e.Reason = event.OpListen, event.PortTaken
	if h := table.Holder(&e); h != nil {
		t.Errorf("it is in its own way: %+v", h)
	}
	e.Proc = shop
	if h := table.Holder(&e); h == nil || h.Proc != cache || h.State != event.StateBound {
		t.Errorf("got %+v", h)
	}
}

func TestBindHolders(t *testing.T) {
	t.Parallel()
	table := tableOf(
		config(event.PortRange{Low: 40000, High: 40003}, ""),
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.2:80"),
		socketEvent(event.Close, "10.0.0.1:40000", "10.0.0.2:80", flags(event.TimeWait)),
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.3:80", by(cache)), // an open one before the bucket
		socketEvent(event.Open, "10.0.0.1:40001", "10.0.0.2:80"),
		socketEvent(event.Close, "10.0.0.1:40001", "10.0.0.2:80", flags(event.TimeWait)),
		socketEvent(event.Bind, "0.0.0.0:40002", "", going(event.Unknown), by(cache)),
		socketEvent(event.Bind, "10.0.0.7:40003", "", going(event.Unknown), by(cache)), // of another address
		socketEvent(event.Bind, "10.0.0.1:8080", "", going(event.Unknown), by(cache)),  // outside the range
	)
	local := endpoint("10.0.0.1:0").Addr
	held := table.BindHolders(net1, local)
	want := map[uint16]struct {
		proc  event.ProcID
		state event.State
	}{
		40000: {cache, event.StateEstablished}, 40001: {shop, event.StateTimeWait}, 40002: {cache, event.StateBound},
	}
	if o := table.BindOccupancy(net1, local); len(held) != len(want) || len(held) != o.InUse() {
		t.Errorf("got %+v", held)
	}
	for port, w := range want {
		if s := held[port]; s.Proc != w.proc || s.State != w.state {
			t.Errorf("%d: got %+v", port, s)
		}
	}
}
