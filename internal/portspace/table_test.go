package portspace

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	start = event.Time(1000 * time.Second)
	net1  = 7
)

var (
	shop  = event.ProcID{PID: 100, Start: 1}
	cache = event.ProcID{PID: 200, Start: 2}
)

func endpoint(s string) event.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

func socketEvent(kind event.Kind, src, dst string, change ...func(*event.Event)) event.Event {
	e := event.Event{
		Time: start, Kind: kind, Direction: event.Out, Proto: event.TCP, Netns: net1, Proc: shop, Src: endpoint(src), Count: 1,
	}
	if dst != "" {
		e.Dst = endpoint(dst)
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func flags(f event.Flags) func(*event.Event)     { return func(e *event.Event) { e.Flags |= f } }
func at(d time.Duration) func(*event.Event)      { return func(e *event.Event) { e.Time = start.Add(d) } }
func inState(s event.State) func(*event.Event)   { return func(e *event.Event) { e.State = s } }
func cookie(c uint64) func(*event.Event)         { return func(e *event.Event) { e.Cookie = c } }
func by(p event.ProcID) func(*event.Event)       { return func(e *event.Event) { e.Proc = p } }
func going(d event.Direction) func(*event.Event) { return func(e *event.Event) { e.Direction = d } }
func own(low, high uint16) func(*event.Event) {
	return func(e *event.Event) { e.SocketRange = event.PortRange{Low: low, High: high} }
}

func ending(in time.Duration) func(*event.Event) {
	return func(e *event.Event) { e.First, e.Last = e.Time, start.Add(in) }
}

func config(ports event.PortRange, reserved string, change ...func(*event.Netns)) event.Event {
	n := &event.Netns{Inode: net1, TimeWait: -1, Cookie: 1, Ports: ports, Reserved: reserved}
	for _, c := range change {
		c(n)
	}
	return event.Event{Time: start, Kind: event.NetnsKnown, Fact: n}
}

var hundred = event.PortRange{Low: 40000, High: 40099}

func tableOf(events ...event.Event) *Table {
	t := New(Limit)
	base := config(hundred, "")
	t.Add(&base)
	for i := range events {
		t.Add(&events[i])
	}
	return t
}

func spaceTo(t *Table, local, remote string) View {
	return t.Find(ID{Netns: net1, Local: event.AddrFrom(netip.MustParseAddr(local)), Remote: endpoint(remote)}).All()
}

func TestLives(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40000", "10.0.0.2:80"
	open := socketEvent(event.Open, src, dst)
	for name, c := range map[string]struct {
		events []event.Event
		want   event.Occupancy
	}{
		"open":      {[]event.Event{open}, event.Occupancy{Live: 1}},
		"closed":    {[]event.Event{open, socketEvent(event.Close, src, dst)}, event.Occupancy{}},
		"TIME_WAIT": {[]event.Event{open, socketEvent(event.Close, src, dst, flags(event.TimeWait))}, event.Occupancy{TimeWait: 1}},
		"FIN_WAIT2": {[]event.Event{open, socketEvent(event.Close, src, dst, flags(event.FinWait2))}, event.Occupancy{TimeWait: 1, FinWait2: 1}},
		"failed":    {[]event.Event{open, socketEvent(event.ConnectFail, src, dst, flags(event.HadPort))}, event.Occupancy{}},
		"no port":   {[]event.Event{open, socketEvent(event.ConnectFail, "10.0.0.1:0", dst)}, event.Occupancy{Live: 1}},
		"SYN_SENT":  {[]event.Event{open, socketEvent(event.SynUnanswered, src, dst)}, event.Occupancy{Live: 1, SynSent: 1}},
		"answered": {[]event.Event{
			open, socketEvent(event.SynUnanswered, src, dst), socketEvent(event.SynAnswered, src, dst),
		}, event.Occupancy{Live: 1}},
		"CLOSE_WAIT":     {[]event.Event{open, socketEvent(event.EnterCloseWait, src, dst)}, event.Occupancy{Live: 1, CloseWait: 1}},
		"UDP":            {[]event.Event{socketEvent(event.Bind, src, "", func(e *event.Event) { e.Proto = event.UDP })}, event.Occupancy{}},
		"bound":          {[]event.Event{socketEvent(event.Bind, "0.0.0.0:40007", "")}, event.Occupancy{Bound: 1}},
		"bound outside":  {[]event.Event{socketEvent(event.Bind, "0.0.0.0:80", "")}, event.Occupancy{}},
		"listening":      {[]event.Event{socketEvent(event.Listen, "[::]:40007", "")}, event.Occupancy{Bound: 1}},
		"another remote": {[]event.Event{socketEvent(event.Open, src, "10.0.0.3:80")}, event.Occupancy{}},
		"early bound": {[]event.Event{
			socketEvent(event.Bind, src, ""), socketEvent(event.Open, src, dst, flags(event.EarlyBind)),
		}, event.Occupancy{Live: 1}},
		"early bound elsewhere": {[]event.Event{
			socketEvent(event.Bind, src, ""), socketEvent(event.Open, src, "10.0.0.3:80", flags(event.EarlyBind)),
		}, event.Occupancy{Bound: 1}},
		"TIME_WAIT of an early bound one elsewhere": {[]event.Event{
			socketEvent(event.Open, src, "10.0.0.3:80", flags(event.EarlyBind)),
			socketEvent(event.Close, src, "10.0.0.3:80", flags(event.TimeWait)),
		}, event.Occupancy{TimeWait: 1}},
		"end of an early bound one": {[]event.Event{
			socketEvent(event.Bind, src, ""), socketEvent(event.Open, src, "10.0.0.3:80", flags(event.EarlyBind)),
			socketEvent(event.Close, src, "10.0.0.3:80"),
		}, event.Occupancy{}},
		"chosen by connect(), then bound": {[]event.Event{
			open, socketEvent(event.Bind, "10.0.0.9:40000", ""), socketEvent(event.Bind, "10.0.0.9:40001", ""),
		}, event.Occupancy{Live: 1, Bound: 1}},
		"inbound, port outside the range": {[]event.Event{
			socketEvent(event.EnterCloseWait, "10.0.0.1:80", dst, going(event.In)),
			socketEvent(event.Close, "10.0.0.1:80", dst, going(event.In), flags(event.TimeWait)),
		}, event.Occupancy{}},
		"opened again": {[]event.Event{
			open, socketEvent(event.Close, src, dst, flags(event.TimeWait)), socketEvent(event.Open, src, dst, flags(event.Reused)),
		}, event.Occupancy{Live: 1}},
		"found":      {[]event.Event{socketEvent(event.SocketFound, src, dst, inState(event.StateTimeWait), ending(5*time.Second))}, event.Occupancy{TimeWait: 1}},
		"gone":       {[]event.Event{open, socketEvent(event.SocketGone, src, dst)}, event.Occupancy{}},
		"found port": {[]event.Event{socketEvent(event.SocketFound, "10.0.0.1:40005", "", inState(event.StateBound), flags(event.OwnedByBind))}, event.Occupancy{Bound: 1}},
		"gone port": {[]event.Event{
			socketEvent(event.Bind, "10.0.0.1:40005", ""), socketEvent(event.SocketGone, "10.0.0.1:40005", ""),
		}, event.Occupancy{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := spaceTo(tableOf(c.events...), "10.0.0.1", dst)
			c.want.Capacity = 100
			got := s.Occupancy(start)
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if got, want := got.Headroom(), 100-c.want.InUse(); got != want {
				t.Errorf("headroom %d, want %d", got, want)
			}
		})
	}
}

// A bucket ends when its timer does, and takes the space along.
func TestExpiry(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40000", "10.0.0.2:80"
	table := tableOf(
		socketEvent(event.Open, src, dst),
		socketEvent(event.Close, src, dst, flags(event.TimeWait)),
		socketEvent(event.SocketFound, "10.0.0.1:40001", dst, inState(event.StateTimeWait), ending(200*time.Second)),
	)
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{60 * time.Second, 2}, {63 * time.Second, 1}, {125 * time.Second, 1}, {128 * time.Second, 0}} {
		table.Advance(start.Add(c.after))
		if got := spaceTo(table, "10.0.0.1", dst).Occupancy(start).TimeWait; got != c.want {
			t.Errorf("after %s: %d, want %d", c.after, got, c.want)
		}
	}
	if table.spaces.used != 0 || table.sockets.used != 0 {
		t.Errorf("%d spaces and %d sockets are left", table.spaces.used, table.sockets.used)
	}
}

// A server's bucket gives way to the next connection between the same ends. Each
// processor gives cookies from a batch of its own, so the later one can be less.
func TestNextLife(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40007", "10.0.0.2:50000"
	life := func(id event.ProcID, c uint64) event.Event {
		return socketEvent(event.Close, src, dst, going(event.In), by(id), cookie(c), flags(event.TimeWait))
	}
	late := life(shop, 950)
	late.Time -= 5 // the close of an orphan is reported when its bucket has been looked up
	table := tableOf(life(shop, 900), life(cache, 700), late)
	for port, socket := range spaceTo(table, "10.0.0.1", dst).Each() {
		if port != 40007 || socket.Cookie != 700 || socket.Proc != cache {
			t.Errorf("%d: %+v", port, socket)
		}
	}
}

// The steps of the timer wheel, here of 2 s, one of which is at the start.
func TestTimeWaitExpiry(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Duration]time.Duration{
		0: 62 * time.Second, time.Millisecond: 62 * time.Second, 2*time.Second - 1: 62 * time.Second, 2 * time.Second: 64 * time.Second,
		-time.Second: 60 * time.Second,
	} {
		n := newNetns(net1)
		n.configure(&event.Netns{Inode: net1, Ports: hundred, TimerStep: uint64(2 * time.Second), TimerAt: start}, nil)
		if got := n.TimeWaitExpiry(start.Add(at)).Sub(start); got != want {
			t.Errorf("made at %s: ends at %s, want %s", at, got, want)
		}
		n = newNetns(net1)
		if got := n.TimeWaitExpiry(start.Add(at)).Sub(start); got != at+TimeWaitLength+time.Second {
			t.Errorf("made at %s, steps not known: ends at %s", at, got)
		}
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := tableOf(
		socketEvent(event.Open, "10.0.0.1:40000", dst), socketEvent(event.Open, "10.0.0.1:40050", dst),
		socketEvent(event.Bind, "0.0.0.0:40051", ""), socketEvent(event.Bind, "0.0.0.0:40005", ""),
		socketEvent(event.Open, "10.0.0.1:40010", dst, own(40008, 40011)),
	)
	space := func() View { return spaceTo(table, "10.0.0.1", dst) }
	ownSpace := func() View { return space().Own(event.PortRange{Low: 40008, High: 40011}) }
	check := func(what string, v View, capacity int, want event.Occupancy) {
		t.Helper()
		want.Capacity = capacity
		if got := v.Occupancy(start); got != want || v.Capacity() != capacity {
			t.Errorf("%s: %+v of %d, want %+v of %d", what, got, v.Capacity(), want, capacity)
		}
	}
	check("whole range", space(), 100, event.Occupancy{Live: 3, Bound: 2})
	check("the sockets' own", ownSpace(), 4, event.Occupancy{Live: 1})
	check("own range outside", space().Own(event.PortRange{Low: 5, High: 9}), 100, event.Occupancy{Live: 3, Bound: 2})
	narrow := config(event.PortRange{Low: 40000, High: 40009}, "40001,40003-40004")
	table.Add(&narrow)
	check("narrowed", space(), 7, event.Occupancy{Live: 1, Bound: 1})
	check("own range half inside", ownSpace(), 2, event.Occupancy{})
	if v := ownSpace(); !v.IsOwn || v.Range != (event.PortRange{Low: 40008, High: 40009}) {
		t.Errorf("own range %+v", v.Range)
	}
	count := event.Event{Time: start, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: net1, Name: "host", TimeWait: 5}}
	table.Add(&count)
	check("a mere count came", space(), 7, event.Occupancy{Live: 1, Bound: 1})
	renewed := config(hundred, "", func(n *event.Netns) { n.Cookie = 2 })
	table.Add(&renewed)
	check("another namespace with this inode", space(), 100, event.Occupancy{})
}

func TestReuse(t *testing.T) {
	t.Parallel()
	reuse := func(mode uint8) event.Event {
		return config(hundred, "", func(n *event.Netns) { n.Reuse, n.TimerStep = mode, uint64(2048*time.Millisecond) })
	}
	for _, c := range []struct {
		local, remote string
		device        uint32
		mode          uint8
		after         time.Duration
		want          int
	}{
		{"10.0.0.1", "10.0.0.2:80", 0, 0, 5 * time.Second, 0},
		{"10.0.0.1", "10.0.0.2:80", 0, 1, 1100 * time.Millisecond, 1}, // the timer wheel has no say in it
		{"10.0.0.1", "10.0.0.2:80", 0, 1, 900 * time.Millisecond, 0},
		{"10.0.0.1", "10.0.0.2:80", 0, 2, 5 * time.Second, 0},
		{"10.0.0.1", "10.0.0.2:80", 2, 2, 5 * time.Second, 0},
		{"10.0.0.1", "10.0.0.1:80", 1, 2, 5 * time.Second, 1}, // bound to lo
		{"127.0.0.1", "127.0.0.1:80", 0, 2, 5 * time.Second, 1},
	} {
		src := netip.AddrPortFrom(netip.MustParseAddr(c.local), 40000).String()
		bound := netip.AddrPortFrom(netip.MustParseAddr(c.local), 40001).String()
		device := func(e *event.Event) { e.Device = c.device }
		table := tableOf(reuse(c.mode), socketEvent(event.Close, src, c.remote, flags(event.TimeWait), device),
			socketEvent(event.Open, bound, c.remote, flags(event.EarlyBind), device),
			socketEvent(event.Close, bound, c.remote, flags(event.TimeWait), device))
		now := start.Add(c.after)
		table.Advance(now)
		id := spaceTo(table, c.local, c.remote).ID
		id.Device = c.device
		if got := table.Find(id).All().Occupancy(now).Reusable; got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// No connect() takes over a bucket that waits for the peer's FIN.
func TestReuseFinWait2(t *testing.T) {
	t.Parallel()
	const src, dst = "10.0.0.1:40000", "10.0.0.2:80"
	closed := socketEvent(event.Close, src, dst, flags(event.FinWait2))
	guessed := socketEvent(event.Close, src, dst, flags(event.FinWait2), func(e *event.Event) { e.Inferred = event.FieldTimeWait })
	bucket := found(src, dst, event.StateTimeWait, ending(61*time.Second))
	waiting := found(src, dst, event.StateTimeWait, ending(61*time.Second), flags(event.FinWait2))
	for name, c := range map[string]struct {
		events []event.Event
		want   int
	}{
		"closed":       {[]event.Event{closed}, 0},
		"found":        {[]event.Event{waiting}, 0},
		"not seen":     {[]event.Event{guessed}, 1}, // nearly every FIN comes at once
		"FIN has come": {[]event.Event{closed, bucket}, 1},
	} {
		table := tableOf(append([]event.Event{config(hundred, "", func(n *event.Netns) { n.Reuse = 1 })}, c.events...)...)
		again := tableOf(append([]event.Event{config(hundred, "", func(n *event.Netns) { n.Reuse = 1 })}, slices.Collect(table.Resync(net1, start))...)...)
		for _, table := range []*Table{table, again} {
			now := start.Add(5 * time.Second)
			table.Advance(now)
			if got := spaceTo(table, "10.0.0.1", dst).Occupancy(now).Reusable; got != c.want {
				t.Errorf("%s: %d", name, got)
			}
		}
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := tableOf(config(event.PortRange{Low: 40000, High: 40001}, ""),
		socketEvent(event.Open, "10.0.0.1:40000", dst), socketEvent(event.Open, "10.0.0.1:40001", dst, at(time.Second)))
	s := spaceTo(table, "10.0.0.1", dst)
	if since := s.All().FullSince(table.now); since != start.Add(time.Second) || s.Peak != 2 || s.PeakAt != since {
		t.Errorf("full since %d, peak %d at %d", since, s.Peak, s.PeakAt)
	}
	gone := socketEvent(event.Close, "10.0.0.1:40001", dst, at(2*time.Second))
	table.Add(&gone)
	if since := s.All().FullSince(table.now); since != 0 || s.Peak != 2 {
		t.Errorf("full since %d, peak %d", since, s.Peak)
	}
}

func TestBindOccupancy(t *testing.T) {
	t.Parallel()
	addr := func(s string) event.Addr { return event.AddrFrom(netip.MustParseAddr(s)) }
	table := tableOf(
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.9:80"),
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.9:81"),
		socketEvent(event.Close, "10.0.0.1:40001", "10.0.0.9:80", flags(event.TimeWait)),
		socketEvent(event.Open, "10.0.0.2:40002", "10.0.0.9:80"),
		socketEvent(event.Bind, "0.0.0.0:40003", ""),
		socketEvent(event.Open, "[fd00::1]:40004", "[fd00::2]:80"),
	)
	for local, want := range map[string]event.Occupancy{
		"10.0.0.1": {Live: 1, TimeWait: 1, Bound: 1},
		"10.0.0.2": {Live: 1, Bound: 1},
		"10.0.0.3": {Bound: 1},
		"0.0.0.0":  {Live: 2, TimeWait: 1, Bound: 1},
		"::":       {Live: 3, TimeWait: 1, Bound: 1},
		"fd00::1":  {Live: 1},
	} {
		want.Capacity = 100
		if got := table.BindOccupancy(BindID{Netns: net1, Local: addr(local)}); got != want {
			t.Errorf("bind to %s: %+v, want %+v", local, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	table := New(1)
	for _, e := range []event.Event{
		config(hundred, ""), socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.2:80"),
		socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.2:80"), socketEvent(event.Open, "10.0.0.1:40001", "10.0.0.2:80"),
		socketEvent(event.Open, "10.0.0.1:40001", "10.0.0.3:80"), // another space
	} {
		table.Add(&e)
	}
	if table.sockets.used != 1 || table.spaces.used != 1 || !table.AtLimit() {
		t.Errorf("%d sockets in %d spaces, crowded %v", table.sockets.used, table.spaces.used, table.AtLimit())
	}
}

// A bucket that has expired goes before one that has not when the kernel counts fewer, whatever the
// order in which they were seen.
func TestTrimDropsTheExpired(t *testing.T) {
	t.Parallel()
	bucket := func(src string, ends time.Duration) event.Event {
		return socketEvent(event.SocketFound, src, "10.0.0.2:80", inState(event.StateTimeWait), ending(ends))
	}
	table := tableOf(config(hundred, ""), bucket("10.0.0.1:40000", 6200*time.Millisecond), bucket("10.0.0.1:40001", 5500*time.Millisecond))
	table.Advance(start.Add(5800 * time.Millisecond))
	table.Add(&event.Event{
		Time: start.Add(5900 * time.Millisecond), Kind: event.NetnsKnown, Fact: &event.Netns{Inode: net1, TimeWait: 1, Cookie: 1},
	})
	var ports []uint16
	table.Each(func(s *Space) {
		for port := range s.Each() {
			ports = append(ports, port)
		}
	})
	if len(ports) != 1 || ports[0] != 40000 {
		t.Errorf("%d are left", ports)
	}
}
