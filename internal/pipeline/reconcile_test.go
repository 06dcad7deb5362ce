package pipeline

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// scanned is a Source of whole batches: those of a live one have scans.
type scanned []event.Batch

func (s *scanned) Read(context.Context) (event.Batch, error) {
	if len(*s) == 0 {
		return event.Batch{}, io.EOF
	}
	batch := (*s)[0]
	*s = (*s)[1:]
	batch.Events = slices.Clone(batch.Events)
	return batch, nil
}

const lastPort = 40099

// namespace is a fact: connect() allocates ports from 40000 to lastPort.
func namespace(at event.Time, inode uint32) event.Event {
	ports := event.PortRange{Low: 40000, High: lastPort}
	return fact(at, event.NetnsKnown, &event.Netns{Inode: inode, Name: "n", TimeWait: -1, Cookie: 1, Ports: ports})
}

// foundIn returns a connection as a scan finds it: by the same 4-tuple as those of open.
func foundIn(state event.State, port uint16) event.Event {
	e := on(port, socket(1, event.SocketFound, shop, 0))
	e.State = state
	if state == event.StateTimeWait {
		e.Last = 62 * second
	}
	return e
}

// foundBound returns a port that is only bound.
func foundBound(port uint16) event.Event {
	e := foundIn(event.StateBound, port)
	e.Direction, e.Dst, e.Flags = event.Unknown, event.Endpoint{}, event.OwnedByBind
	return e
}

// part is what a scan has found in namespace 7.
func part(sockets ...event.Event) event.NetnsScan {
	return event.NetnsScan{Census: event.Census{Netns: 7, Bound: true, Sockets: uint64(len(sockets))}, Sockets: foundSockets(sockets...)}
}

// foundSockets returns the sockets that these events are about, as a scan has them.
func foundSockets(events ...event.Event) event.FoundList {
	var list event.FoundList
	for i := range events {
		addFound(&list, &events[i])
	}
	return list
}

func addFound(list *event.FoundList, e *event.Event) {
	list.Add(&event.FoundSocket{
		Cookie: e.Cookie, Expiry: e.Last, Proc: e.Proc, Src: e.Src, Dst: e.Dst, Device: e.Device, SocketRange: e.SocketRange,
		Flags: e.Flags, State: e.State, Direction: e.Direction,
	})
}

func scan(at event.Time, parts ...event.NetnsScan) event.Batch {
	return event.Batch{Now: at, Scan: &event.Scan{At: at, Netns: parts}}
}

// scanning returns the batch as one that came while a scan was running.
func scanning(batch event.Batch, events ...event.Event) event.Batch {
	batch.Scanning, batch.Events = true, events
	return batch
}

// change is what the Tee sees of a scan: the census, or one difference.
type change struct {
	kind  event.Kind
	whole bool
	port  uint16
	state event.State
}

func census(whole bool) change { return change{kind: event.CensusTaken, whole: whole} }

func found(state event.State, port uint16) change {
	return change{event.SocketFound, false, port, state}
}

func gone(port uint16) change { return change{kind: event.SocketGone, port: port} }

func all(first change, changes ...[]change) []change {
	return append([]change{first}, slices.Concat(changes...)...)
}

// stream passes batches through a State.
type stream struct {
	*testing.T
	state *State
}

// newStream returns a stream in which the configuration of namespace 7 is known.
func newStream(t *testing.T) stream {
	t.Helper()
	s := stream{t, NewState(nil)}
	s.add(until(second, append(worldAt(second), namespace(second, 7))...))
	return s
}

// add returns what the batch has put into the stream after its own events.
func (s stream) add(batch event.Batch) (changes []event.Event) {
	s.Helper()
	seen := 0
	err := s.state.Add(batch, func(e *event.Event, _ *event.World) error {
		if seen++; seen > len(batch.Events) {
			changes = append(changes, *e)
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return changes
}

func (s stream) expect(batch event.Batch, want ...change) {
	s.Helper()
	var got []change
	for _, e := range s.add(batch) {
		one := change{kind: e.Kind, port: e.Src.Port, state: e.State}
		if fact, is := e.Fact.(*event.Census); is {
			one.whole = fact.Whole
		}
		got = append(got, one)
		if e.Time != batch.Scan.At {
			s.Errorf("%+v, of a scan at %d", e, batch.Scan.At)
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("at %s: got %+v, want %+v", time.Duration(batch.Now), got, want)
	}
}

// occupancy returns that of the port space of all sockets here.
func (s stream) occupancy(at event.Time) event.Occupancy {
	for _, space := range s.state.Snapshot(at).PortSpaces {
		if space.Kind == snapshot.ConnectSpace {
			return space.Occupancy
		}
	}
	return event.Occupancy{}
}

// What a scan has found reaches the Tee and the rows, and so does what it has not found any
// more. What is known is not repeated.
func TestScanDifferences(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	sockets := []event.Event{
		foundIn(event.StateEstablished, 40000), foundIn(event.StateTimeWait, 40001), foundBound(40002), foundIn(event.StateCloseWait, 40003),
	}
	s.expect(scan(2*second, part(sockets...)), census(true),
		found(event.StateEstablished, 40000), found(event.StateTimeWait, 40001), found(event.StateBound, 40002), found(event.StateCloseWait, 40003))
	if got, want := s.occupancy(2*second), (event.Occupancy{Capacity: 100, Live: 2, CloseWait: 1, TimeWait: 1, Bound: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.expect(scan(3*second, part(sockets...)), census(false))

	closing := foundIn(event.StateCloseWait, 40000)
	s.expect(scan(4*second, part(closing, sockets[3])), census(false),
		found(event.StateCloseWait, 40000), gone(40002), gone(40001))
	if got, want := s.occupancy(4*second), (event.Occupancy{Capacity: 100, Live: 2, CloseWait: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	snap := s.state.Snapshot(4 * second)
	i := slices.IndexFunc(snap.Namespaces, func(n snapshot.Namespace) bool { return n.Inode == 7 })
	if n := snap.Namespaces[i]; !n.BoundKnown || n.LastScan.IsZero() {
		t.Errorf("got %+v", n)
	}
}

// Events of a batch come before its scan.
func TestScanComesLast(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	batch := scan(2*second, part(foundIn(event.StateEstablished, 40000)))
	batch.Events = []event.Event{on(40000, socket(2*second, event.Open, shop, 0)), on(40001, socket(2*second, event.Open, shop, 0))}
	s.expect(batch, census(false), gone(40001))
}

// A scan says nothing reliable of ports that an event has touched while it was running.
func TestTouchedPorts(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	open := func(at event.Time, port uint16) event.Event { return on(port, socket(at, event.Open, shop, 0)) }
	closed := func(at event.Time, port uint16) event.Event { return on(port, socket(at, event.Close, shop, 0)) }
	known := open(second, 40000)
	udp := open(3*second, 40000)
	udp.Proto = event.UDP
	s.add(until(second, known, open(second, 40001), open(second, 40005)))

	// While the scan is running, 40001 is closed, 40002 is opened, and 40003 is bound.
	bound := on(40003, socket(3*second, event.Bind, shop, 0))
	bound.Dst = event.Endpoint{}
	s.add(scanning(until(2*second), closed(2*second, 40001), open(2*second, 40002)))
	missed := foundIn(event.StateEstablished, 40004)
	outdated := part(foundIn(event.StateEstablished, 40001), missed)
	s.expect(scanning(scan(3*second, outdated), bound, udp), census(false), found(event.StateEstablished, 40004), gone(40000), gone(40005))

	// The next one is right about them, as far as nothing happens again.
	s.expect(scanning(scan(4*second, part(missed)), closed(4*second, 40002), open(4*second, 40002)), census(false), gone(40003))
	s.expect(scan(5*second, part(missed)), census(false), gone(40002))

	// Without a running scan events come before it.
	last := scan(6*second, part(missed))
	last.Events = []event.Event{open(6*second, 40006)}
	s.expect(last, census(false), gone(40006))
}

// A namespace's sockets are all repeated a minute after they were in the stream last.
func TestResync(t *testing.T) {
	t.Parallel()
	sockets := part(foundBound(40001), foundIn(event.StateEstablished, 40000))
	repeated := []change{found(event.StateBound, 40001), found(event.StateEstablished, 40000)}
	s := newStream(t)
	s.expect(scan(10*second, sockets), all(census(true), repeated)...)
	s.expect(scan(70*second-1, sockets), census(false))
	s.expect(scan(70*second, sockets), all(census(true), repeated)...)
	s.expect(scan(71*second, sockets), census(false))
	s.expect(scan(130*second-1, sockets), census(false))

	// The differences come first.
	more := part(foundIn(event.StateEstablished, 40000), foundIn(event.StateEstablished, 40002))
	s.expect(scan(140*second, more), census(true), found(event.StateEstablished, 40002), gone(40001),
		found(event.StateEstablished, 40000), found(event.StateEstablished, 40002))
	s.expect(scan(199*second, more), census(false))
}

// If something is known by the first scan, not all sockets are differences.
func TestFirstScanIsNotWhole(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	s.add(until(second, on(40000, socket(second, event.Open, shop, 0))))
	sockets := part(foundIn(event.StateEstablished, 40000), foundIn(event.StateEstablished, 40001))
	s.expect(scan(2*second, sockets), census(false), found(event.StateEstablished, 40001))
	s.expect(scan(62*second, sockets), census(true), found(event.StateEstablished, 40000), found(event.StateEstablished, 40001))
}

// Each namespace is repeated at its own time. The sockets of one that is gone are gone, and
// another with its inode begins from scratch.
func TestGoneNamespace(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	other := part()
	other.Census.Netns = 8
	sockets := part(foundBound(40001), foundIn(event.StateEstablished, 40000))
	ended := event.NetnsScan{Census: event.Census{Netns: 7, Bound: true}, Gone: true}
	s.expect(scan(2*second, sockets), census(true), found(event.StateBound, 40001), found(event.StateEstablished, 40000))
	s.expect(scan(32*second, other), census(true))
	s.expect(scan(80*second, ended, other), census(false), gone(40001), gone(40000), census(false))
	if got := s.occupancy(80 * second); got.InUse() != 0 {
		t.Errorf("got %+v", got)
	}
	s.expect(scan(81*second, sockets, other), census(true), found(event.StateBound, 40001), found(event.StateEstablished, 40000), census(false))
	s.expect(scan(92*second, sockets, other), census(false), census(true))
}

// Beyond the limit there is one notice, whether a scan or the table has reached it.
func TestLimitNotice(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	truncated := part(foundIn(event.StateEstablished, 40000))
	truncated.Truncated, truncated.LeftOut = true, 368_928
	s.expect(scan(2*second, part(foundIn(event.StateEstablished, 40000))), census(true), found(event.StateEstablished, 40000))
	s.expect(scan(3*second, truncated), change{kind: event.Notice}, census(false))
	s.expect(scan(4*second, truncated), census(false))
	if snap := s.state.Snapshot(4 * second); len(snap.Notices) != 1 || !strings.HasPrefix(snap.Notices[0].Text, "more than 131072 sockets: ") || !strings.HasSuffix(snap.Notices[0].Text, " 368928 sockets are not followed") {
		t.Errorf("notices %+v", snap.Notices)
	}

	s = newStream(t)
	s.state.table = portspace.New(1)
	s.state.scans = newReconciler(s.state.table)
	configured := namespace(second, 7)
	s.state.table.Add(&configured)
	one := part(foundIn(event.StateEstablished, 40000))
	s.expect(scan(2*second, one), census(true), found(event.StateEstablished, 40000))
	s.expect(scan(3*second, one), change{kind: event.Notice}, census(false))
	s.expect(scan(4*second, one), census(false))
}

// The memory of a scan during which much happened is given back.
func TestTouchedIsTrimmed(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	s.add(scanning(until(second), on(40000, socket(second, event.Open, shop, 0))))
	s.add(scan(2*second, part(foundIn(event.StateEstablished, 40000))))
	if s.state.scans.touched.hashes == nil {
		t.Error("no room is kept")
	}
	s.state.scans.touched.hashes = make([]uint64, 0, keptTouched+1)
	if s.add(scan(3*second, part())); s.state.scans.touched.hashes != nil {
		t.Error("the room is kept")
	}
}

// A Tee that fails is not called again, but the table takes the rest.
func TestTeeFailsAtScan(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	calls := 0
	err := s.state.Add(scan(2*second, part(foundIn(event.StateEstablished, 40000), foundBound(40001))), func(*event.Event, *event.World) error {
		calls++
		return io.ErrShortWrite
	})
	if got := s.occupancy(2 * second); !errors.Is(err, io.ErrShortWrite) || calls != 1 || got.InUse() != 2 {
		t.Errorf("error %v after %d calls, %+v", err, calls, got)
	}
}
