package portspace

import (
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// wants is a call that failed because of another socket.
func wants(kind event.Kind, src, dst string, change ...func(*event.Event)) event.Event {
	e := socketEvent(kind, src, dst, by(event.ProcID{PID: 300, Start: 3}), at(2*time.Second))
	switch kind {
	case event.BindFail:
		e.Op, e.Errno, e.Reason = event.OpBind, event.EADDRINUSE, event.PortTaken
	case event.ConnectFail:
		e.Op, e.Errno, e.Reason = event.OpConnect, event.EADDRNOTAVAIL, event.TupleTaken
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func onListen(e *event.Event) { e.Op = event.OpListen }

// held is a Holder in words of addresses; ends is when its bucket ends after the start, 0 if a
// process alone can free the port. All connections of TestHolder are outgoing.
func held(by event.ProcID, state event.State, local, remote string, ends time.Duration) *event.Holder {
	h := &event.Holder{Proc: by, State: state, Local: endpoint(local)}
	if remote != "" {
		h.Remote, h.Outgoing = endpoint(remote), true
	}
	if ends != 0 {
		h.Expiry = start.Add(ends)
	}
	return h
}

// A failed call names the socket that is in its way.
func TestHolder(t *testing.T) {
	t.Parallel()
	const (
		port  = "10.0.0.1:40000"
		other = "10.0.0.1:40001"
		web   = "10.0.0.2:80"
		api   = "10.0.0.3:443"
		admin = "127.0.0.1:8080" // outside the range
	)
	bind := wants(event.BindFail, port, "")
	otherNetns := func(e *event.Event) { e.Netns = net1 + 1 }
	noPort := func(e *event.Event) { e.Src.Port = 0 }
	because := func(r event.Reason) func(*event.Event) { return func(e *event.Event) { e.Reason = r } }
	bucket := func(src, dst string, ends time.Duration, change ...func(*event.Event)) event.Event {
		return found(src, dst, event.StateTimeWait, append([]func(*event.Event){by(shop), ending(ends)}, change...)...)
	}
	own := cookie(9)
	for name, c := range map[string]struct {
		events []event.Event
		call   event.Event
		want   *event.Holder
	}{
		"no one":                {nil, bind, nil},
		"a listener":            {[]event.Event{socketEvent(event.Listen, port, "")}, bind, held(shop, event.StateListen, port, "", 0)},
		"a bound socket":        {[]event.Event{socketEvent(event.Bind, port, "")}, bind, held(shop, event.StateBound, port, "", 0)},
		"one from before":       {[]event.Event{found(admin, "", event.StateListen, by(shop))}, wants(event.BindFail, admin, ""), held(shop, event.StateListen, admin, "", 0)},
		"a connection":          {[]event.Event{socketEvent(event.Open, port, web)}, bind, held(shop, event.StateEstablished, port, web, 0)},
		"one without an answer": {[]event.Event{socketEvent(event.Open, port, web, flags(event.Unanswered))}, bind, held(shop, event.StateSynSent, port, web, 0)},
		"a connection of a port that was bound first": {
			[]event.Event{socketEvent(event.Bind, port, "", own), socketEvent(event.Open, port, web, own, flags(event.EarlyBind))},
			bind, held(shop, event.StateEstablished, port, web, 0),
		},
		"a connection whose peer has closed": {
			[]event.Event{socketEvent(event.Open, port, web), socketEvent(event.EnterCloseWait, port, web)}, bind, held(shop, event.StateCloseWait, port, web, 0),
		},
		"a connection to itself": {[]event.Event{socketEvent(event.Open, port, port)}, bind, held(shop, event.StateEstablished, port, port, 0)},
		"the bucket that ends last": {
			[]event.Event{bucket(port, web, 20*time.Second), bucket(port, api, 50*time.Second, by(cache)), bucket(port, "10.0.0.4:1", 30*time.Second)},
			bind, held(cache, event.StateTimeWait, port, api, 50*time.Second),
		},
		"a connection before a bucket": {
			[]event.Event{bucket(port, web, 50*time.Second), socketEvent(event.Open, port, api, by(cache))},
			bind, held(cache, event.StateEstablished, port, api, 0),
		},
		"a listener before its connections": {
			[]event.Event{socketEvent(event.Open, port, web, by(cache)), socketEvent(event.Listen, port, "")}, bind, held(shop, event.StateListen, port, "", 0),
		},
		"a bucket in FIN_WAIT2": {
			[]event.Event{bucket(port, web, 9*time.Second, flags(event.FinWait2))}, bind, held(shop, event.StateFinWait2, port, web, 9*time.Second),
		},
		"a bucket that has ended": {
			[]event.Event{bucket(port, web, 4*time.Second)}, wants(event.BindFail, port, "", at(5*time.Second)), nil,
		},
		"the wildcard is wanted": {
			[]event.Event{socketEvent(event.Open, port, web)}, wants(event.BindFail, "0.0.0.0:40000", ""), held(shop, event.StateEstablished, port, web, 0),
		},
		"the wildcard of IPv6 is wanted": {
			[]event.Event{socketEvent(event.Open, port, web)}, wants(event.BindFail, "[::]:40000", ""), held(shop, event.StateEstablished, port, web, 0),
		},
		"the wildcard has it":               {[]event.Event{socketEvent(event.Listen, "0.0.0.0:40000", "")}, bind, held(shop, event.StateListen, "0.0.0.0:40000", "", 0)},
		"another address":                   {[]event.Event{socketEvent(event.Open, "10.0.0.9:40000", web), socketEvent(event.Listen, "10.0.0.9:40000", "")}, bind, nil},
		"another port":                      {[]event.Event{socketEvent(event.Open, other, web)}, bind, nil},
		"another namespace":                 {[]event.Event{socketEvent(event.Listen, port, "", otherNetns)}, bind, nil},
		"another family":                    {[]event.Event{socketEvent(event.Listen, "[fd00::1]:40000", "")}, bind, nil},
		"a closed one":                      {[]event.Event{socketEvent(event.Open, port, web), socketEvent(event.Close, port, web)}, bind, nil},
		"another reason":                    {[]event.Event{socketEvent(event.Listen, port, "")}, wants(event.BindFail, port, "", because(event.ForeignAddress)), nil},
		"no port is left, which has no one": {[]event.Event{socketEvent(event.Listen, port, "")}, wants(event.BindFail, port, "", because(event.RangeExhausted), noPort), nil},
		"UDP": {
			[]event.Event{socketEvent(event.Listen, port, "")}, wants(event.BindFail, port, "", func(e *event.Event) { e.Proto = event.UDP }), nil,
		},
		"the bound socket itself listens in vain": {
			[]event.Event{socketEvent(event.Bind, port, "", own)}, wants(event.BindFail, port, "", onListen, own, by(shop)), nil,
		},
		"another socket of the same program listens": {
			[]event.Event{socketEvent(event.Bind, port, "", own), socketEvent(event.Listen, port, "", cookie(1))},
			wants(event.BindFail, port, "", onListen, own, by(shop)), held(shop, event.StateListen, port, "", 0),
		},
		"4-tuple": {
			[]event.Event{socketEvent(event.Open, port, web), socketEvent(event.Open, port, api, by(cache))},
			wants(event.ConnectFail, port, web), held(shop, event.StateEstablished, port, web, 0),
		},
		"4-tuple in TIME_WAIT": {
			[]event.Event{bucket(port, web, 33*time.Second)}, wants(event.ConnectFail, port, web), held(shop, event.StateTimeWait, port, web, 33*time.Second),
		},
		"4-tuple of no socket": {[]event.Event{socketEvent(event.Open, port, api)}, wants(event.ConnectFail, port, web), nil},
		"connect() without a port": {
			[]event.Event{socketEvent(event.Open, port, web)}, wants(event.ConnectFail, port, web, because(event.RangeExhausted), noPort), nil,
		},
		"refused": {[]event.Event{socketEvent(event.Open, port, web)}, wants(event.ConnectFail, port, web, because(event.Refused)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := tableOf(append([]event.Event{config(hundred, "")}, c.events...)...)
			call := c.call
			table.Complete(&call)
			if got := call.Holder; (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// A server that is started again finds its port in the buckets of connections that it accepted.
// No connect() takes a port outside the range, so only this needs them.
func TestHolderAccepted(t *testing.T) {
	t.Parallel()
	const listener = "10.0.0.1:8080"
	accepted := func(peer string, after time.Duration, change ...func(*event.Event)) event.Event {
		ofShop := func(e *event.Event) { e.Proc, e.Listener = event.ProcID{}, shop }
		return socketEvent(event.Close, listener, peer, append([]func(*event.Event){going(event.In), at(after), flags(event.TimeWait), ofShop}, change...)...)
	}
	newest := accepted("10.0.0.3:50001", time.Second)
	for name, c := range map[string]struct {
		events []event.Event
		call   event.Event
		peer   string // "": no holder is named
	}{
		"the newest":       {[]event.Event{accepted("10.0.0.2:50000", 0), newest}, wants(event.BindFail, listener, ""), "10.0.0.3:50001"},
		"in another order": {[]event.Event{newest, accepted("10.0.0.2:50000", 0)}, wants(event.BindFail, listener, ""), "10.0.0.3:50001"},
		"the wildcard":     {[]event.Event{newest}, wants(event.BindFail, "0.0.0.0:8080", ""), "10.0.0.3:50001"},
		"another address":  {[]event.Event{newest}, wants(event.BindFail, "10.0.0.7:8080", ""), ""},
		"another port":     {[]event.Event{newest}, wants(event.BindFail, "10.0.0.1:8081", ""), ""},
		"all have ended":   {[]event.Event{newest}, wants(event.BindFail, listener, "", at(3*time.Minute)), ""},
		"one that left no bucket": {
			[]event.Event{accepted("10.0.0.3:50001", time.Second, func(e *event.Event) { e.Flags = 0 })}, wants(event.BindFail, listener, ""), "",
		},
		"the namespace is gone": {
			[]event.Event{newest, {Time: start.Add(time.Second), Kind: event.NetnsKnown, Fact: &event.Netns{Inode: net1, TimeWait: -1, Cookie: 1, Gone: true}}},
			wants(event.BindFail, listener, ""), "",
		},
	} {
		table := tableOf(append([]event.Event{config(hundred, "")}, c.events...)...)
		call := c.call
		table.Complete(&call)
		h := call.Holder
		switch {
		case c.peer == "":
			if h != nil {
				t.Errorf("%s: no socket has the port, got %+v", name, h)
			}
		case h == nil || h.Proc != shop || h.State != event.StateTimeWait || h.Local != endpoint(listener) || h.Remote != endpoint(c.peer) || h.Outgoing:
			t.Errorf("%s: got %+v", name, h)
		case h.Expiry.Sub(start) < time.Minute || h.Expiry.Sub(start) > 70*time.Second: // and a step of the timer wheel
			t.Errorf("%s: it ends after %s", name, h.Expiry.Sub(start))
		}
	}
}

// Of several listeners at a port each is known until it ends, and one that the kernel refuses is
// none.
func TestSeveralListeners(t *testing.T) {
	t.Parallel()
	const (
		port    = "10.0.0.1:8080"
		another = "10.0.0.2:8080"
	)
	one, two := socketEvent(event.Listen, port, "", cookie(1)), socketEvent(event.Listen, port, "", cookie(2), by(cache))
	elsewhere := socketEvent(event.Listen, another, "", cookie(3), by(cache))
	ends := func(src string, c uint64) event.Event { return socketEvent(event.ListenEnd, src, "", cookie(c)) }
	refused := wants(event.BindFail, port, "", onListen, cookie(2), by(cache))
	ofOne, ofTwo := held(shop, event.StateListen, port, "", 0), held(cache, event.StateListen, port, "", 0)
	for name, c := range map[string]struct {
		events []event.Event
		call   event.Event
		want   *event.Holder
	}{
		"from before, and one ends": {
			[]event.Event{
				found(port, "", event.StateListen, by(shop)), found(another, "", event.StateListen, by(cache)), ends(another, 0),
			}, wants(event.BindFail, port, ""), ofOne,
		},
		"both":                   {[]event.Event{one, two}, wants(event.BindFail, port, ""), ofTwo},
		"the older ends":         {[]event.Event{one, two, ends(port, 1)}, wants(event.BindFail, port, ""), ofTwo},
		"the newer ends":         {[]event.Event{one, two, ends(port, 2)}, wants(event.BindFail, port, ""), ofOne},
		"both end":               {[]event.Event{one, two, ends(port, 2), ends(port, 1)}, wants(event.BindFail, port, ""), nil},
		"both end, older first":  {[]event.Event{one, two, ends(port, 1), ends(port, 2)}, wants(event.BindFail, port, ""), nil},
		"no scan finds any":      {[]event.Event{one, two, ends("[::]:8080", 0)}, wants(event.BindFail, port, ""), nil},
		"the same listens again": {[]event.Event{one, two, one, ends(port, 1)}, wants(event.BindFail, port, ""), ofTwo},
		"the newer was bound first": {
			[]event.Event{one, socketEvent(event.Bind, port, "", cookie(2), by(cache)), two, ends(port, 2)}, wants(event.BindFail, port, ""), ofOne,
		},
		"at another address":             {[]event.Event{one, elsewhere}, wants(event.BindFail, port, ""), ofOne},
		"at this one":                    {[]event.Event{elsewhere, one}, wants(event.BindFail, another, ""), held(cache, event.StateListen, another, "", 0)},
		"the one at another address":     {[]event.Event{one, elsewhere, ends(another, 3)}, wants(event.BindFail, another, ""), nil},
		"the second listens in vain":     {[]event.Event{one, two}, refused, ofOne},
		"a third call after that":        {[]event.Event{one, two, refused}, wants(event.BindFail, port, ""), ofOne},
		"and after the end of the first": {[]event.Event{one, two, refused, ends(port, 1)}, wants(event.BindFail, port, ""), nil},
		"in vain, because of one that is not known": {
			[]event.Event{two, refused}, wants(event.BindFail, port, ""), held(cache, event.StateBound, port, "", 0),
		},
	} {
		table := tableOf(append([]event.Event{config(hundred, "")}, c.events...)...)
		call := c.call
		table.Complete(&call)
		if got := call.Holder; (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// A scan shows every listener of a port once.
func TestScanOfSeveralListeners(t *testing.T) {
	t.Parallel()
	for _, cookies := range [][2]uint64{{1, 2}, {0, 0}, {0, 2}} {
		testScanOfListeners(t, cookies[0], cookies[1])
	}
}

func testScanOfListeners(t *testing.T, first, second uint64) {
	t.Helper()
	const port, another = "10.0.0.1:8080", "10.0.0.2:8080"
	table := tableOf(config(hundred, ""))
	for i, want := range []int{2, 0, 0} {
		scan := event.NetnsScan{
			Census:  event.Census{Netns: net1, Bound: true},
			Sockets: foundSockets(found(port, "", event.StateListen, cookie(first), by(shop)), found(another, "", event.StateListen, cookie(second), by(cache))),
		}
		changes := 0
		for e := range table.Reconcile(Found{NetnsScan: &scan, At: start.Add(time.Duration(i) * time.Second), Unsettled: settled}) {
			if e.Kind == event.SocketFound || e.Kind == event.SocketGone {
				changes++
			}
			table.Add(&e)
		}
		if changes != want {
			t.Errorf("scan %d changes %d listeners, want %d", i, changes, want)
		}
	}
	for addr, by := range map[string]event.ProcID{port: shop, another: cache} {
		call := wants(event.BindFail, addr, "")
		if h := table.Holder(&call); h == nil || h.Proc != by || h.Local != endpoint(addr) {
			t.Errorf("%s is held by %+v", addr, h)
		}
	}
}

// The same stream names the same holder each time: a replay says what the live run said.
func TestHolderIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	events := []event.Event{config(hundred, "")}
	for _, src := range []string{"10.0.0.1:40000", "10.0.0.2:40000", "10.0.0.3:40000", "10.0.0.4:40000"} {
		events = append(events, socketEvent(event.Open, src, "10.0.0.9:80"), socketEvent(event.Open, src, "10.0.0.8:80", by(cache)))
	}
	var first event.Holder
	var firstHeld map[uint16]Socket
	for i := range 50 {
		table := tableOf(events...)
		call := wants(event.BindFail, "0.0.0.0:40000", "")
		got, all := table.Holder(&call), maps.Collect(table.BindHolders(BindID{Netns: net1, Local: call.Src.Addr}))
		if got == nil {
			t.Fatal("no socket has the port")
		}
		if i == 0 {
			first, firstHeld = *got, all
		}
		if *got != first || !maps.Equal(all, firstHeld) {
			t.Fatalf("got %+v and %+v, before %+v and %+v", *got, all, first, firstHeld)
		}
	}
}

// BindHolders has one socket for each port that BindOccupancy counts, of the same class.
func TestBindHolders(t *testing.T) {
	t.Parallel()
	table := tableOf(
		config(hundred, "40009"),
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.9:80"),
		found("10.0.0.1:40000", "10.0.0.9:81", event.StateTimeWait, ending(50*time.Second), by(cache)),
		found("10.0.0.1:40001", "10.0.0.9:80", event.StateTimeWait, ending(20*time.Second)),
		found("10.0.0.1:40001", "10.0.0.9:81", event.StateTimeWait, ending(50*time.Second), by(cache)),
		socketEvent(event.Open, "10.0.0.2:40002", "10.0.0.9:80", by(cache)),
		socketEvent(event.Bind, "0.0.0.0:40003", "", by(cache)),
		socketEvent(event.Listen, "10.0.0.1:40004", "", flags(event.BeforeStart)),
		socketEvent(event.Bind, "10.0.0.1:40005", ""), // and connected then: one port
		socketEvent(event.Open, "10.0.0.1:40005", "10.0.0.9:80", flags(event.EarlyBind)),
		socketEvent(event.Listen, "10.0.0.1:80", ""),            // outside the range
		socketEvent(event.Open, "10.0.0.1:40009", "10.0.0.9:1"), // reserved
		socketEvent(event.Open, "[fd00::1]:40006", "[fd00::2]:80"),
	)
	type holder struct {
		proc  event.ProcID
		state event.State
	}
	at1 := map[uint16]holder{
		40000: {shop, event.StateEstablished}, 40001: {cache, event.StateTimeWait}, 40003: {cache, event.StateBound},
		40004: {shop, event.StateListen}, 40005: {shop, event.StateEstablished},
	}
	all4 := maps.Clone(at1)
	all4[40002] = holder{cache, event.StateEstablished}
	for local, want := range map[string]map[uint16]holder{
		"10.0.0.1:0":  at1,
		"10.0.0.2:0":  {40002: all4[40002], 40003: all4[40003]},
		"10.0.0.3:0":  {40003: all4[40003]},
		"0.0.0.0:0":   all4,
		"[fd00::1]:0": {40006: {shop, event.StateEstablished}},
	} {
		got := map[uint16]holder{}
		for port, socket := range table.BindHolders(BindID{Netns: net1, Local: endpoint(local).Addr}) {
			got[port] = holder{socket.Proc, socket.State}
			if before := socket.Flags.Has(event.BeforeStart); before != (port == 40004) {
				t.Errorf("%s: before the start is %v at %d", local, before, port)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", local, got, want)
		}
		if o := table.BindOccupancy(BindID{Netns: net1, Local: endpoint(local).Addr}); o.InUse() != len(got) {
			t.Errorf("%s: %d ports of %+v have a holder", local, len(got), o)
		}
	}
}

// A reader that has lost a part of the stream knows the listeners again.
func TestResyncOfListeners(t *testing.T) {
	t.Parallel()
	table := tableOf(config(hundred, ""))
	var all []string
	for i := range 4 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 8080).String()
		all = append(all, addr)
		e := socketEvent(event.Listen, addr, "", cookie(uint64(i+1)), by(event.ProcID{PID: uint32(i + 1)}))
		table.Add(&e)
	}
	other := tableOf(config(hundred, ""))
	for range 3 { // to the same table again, too
		for _, to := range []*Table{other, table} {
			for e := range table.Resync(net1, start.Add(time.Second)) {
				to.Add(&e)
			}
			end := socketEvent(event.SocketGone, all[3], "", cookie(99)) // of none
			to.Add(&end)
			for i, addr := range all {
				call := wants(event.BindFail, addr, "")
				if h := to.Holder(&call); h == nil || h.Proc.PID != uint32(i+1) || h.Local != endpoint(addr) {
					t.Errorf("%s is held by %+v", addr, h)
				}
			}
		}
	}
}

// A program that tries to bind in a loop does not have all spaces searched each time; one that
// finds a listener costs nothing.
func TestHolderSearchIsBounded(t *testing.T) {
	t.Parallel()
	const spaces = 10_000
	table := tableOf(config(hundred, ""))
	for i := range spaces {
		dst := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 80).String()
		e := socketEvent(event.Open, local(i%100), dst)
		table.Add(&e)
	}
	found := func(src string, times int, after time.Duration) (n int) {
		for range times {
			call := wants(event.BindFail, src, "", at(after))
			if table.Complete(&call); call.Holder != nil {
				n++
			}
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{2 * time.Second, 5}, {2 * time.Second, 0}, {2200 * time.Millisecond, 1}, {time.Minute, 5}} {
		if got := found(local(0), 100, step.after); got != step.want {
			t.Errorf("after %s: %d of 100 are named, want %d", step.after, got, step.want)
		}
	}
	listen := socketEvent(event.Listen, "0.0.0.0:80", "", at(time.Minute))
	table.Add(&listen)
	if got := found("10.0.0.1:80", 100, time.Minute); got != 100 {
		t.Errorf("a listener is named %d times of 100", got)
	}
}
