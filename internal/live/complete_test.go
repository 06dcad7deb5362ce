package live

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
)

// newCompleter returns one that asks no kernel: netns1 has the address 10.0.0.1, and every
// bucket is in TIME_WAIT. --pid selects the processes, all if the list is nil.
func newCompleter(selected ...event.ProcID) *completer {
	c := &completer{
		listeners: newListeners(), known: map[uint32]bool{},
		finWaits: newFinWaits(func(_ uint32, tuples []netns.Tuple) ([]netns.Bucket, error) {
			return slices.Repeat([]netns.Bucket{netns.InTimeWait}, len(tuples)), nil
		}, 0),
		cgroup: func(event.ProcID) string { return "" },
		binds: bindErrnos{
			addresses: func(inode uint32) (func(netip.Addr) bool, error) {
				if inode != netns1 {
					return nil, errors.New("no process and no name leads to it")
				}
				return func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.1") }, nil
			},
			unchanged: func(event.AddressStamp) bool { return true },
		},
	}
	if selected != nil {
		c.selected = func(id event.ProcID) bool { return slices.Contains(selected, id) }
	}
	return c
}

func TestCompleteListener(t *testing.T) {
	t.Parallel()
	c := newCompleter()
	c.completeFrom([]event.Event{
		listen(worker, netns1, "0.0.0.0:80"), listen(nginx, netns1, "0.0.0.0:80"), listen(worker, netns2, "0.0.0.0:81"),
	}, 0)
	for _, tc := range []struct {
		name string
		e    event.Event
		want func(*event.Event)
	}{
		{"no owner", accepted(event.EnterCloseWait), func(e *event.Event) {
			e.Listener, e.Proc, e.Inferred = nginx, nginx, event.FieldPID
		}},
		{"no owner, folded", accepted(event.Folded), func(e *event.Event) {
			e.Listener, e.Proc, e.Inferred = nginx, nginx, event.FieldPID
		}},
		{"closed by a worker", accepted(event.Close, by(worker)), func(e *event.Event) { e.Listener = nginx }},
		{"other namespace", accepted(event.Close, in(netns2)), nil},
		{"other port", connection(event.Close, event.In, "10.0.0.1:81", "10.0.0.9:50000"), nil},
		{"outgoing", connection(event.Close, event.Out, "10.0.0.1:80", "10.0.0.9:50000"), nil},
		{"unknown direction", connection(event.Close, event.Unknown, "10.0.0.1:80", "10.0.0.9:50000"), nil},
	} {
		want := tc.e
		if tc.want != nil {
			tc.want(&want)
		}
		if c.complete(&tc.e); tc.e != want {
			t.Errorf("%s: got %+v, want %+v", tc.name, tc.e, want)
		}
	}
}

// The namespaces of events become known, and processes have their container and unit.
func TestCompleteFacts(t *testing.T) {
	t.Parallel()
	c := newCompleter()
	process := event.Process{ID: nginx, Cgroup: "/system.slice/nginx.service"}
	c.completeFrom([]event.Event{
		accepted(event.Close, in(netns2)), {Kind: event.ProcessKnown, Fact: &process}, {Kind: event.HealthKnown, Fact: &event.Health{}},
	}, 0)
	if want := map[uint32]bool{netns2: true}; !reflect.DeepEqual(c.known, want) {
		t.Errorf("known are %v", c.known)
	}
	if process.Unit != "nginx.service" || process.Container != "" {
		t.Errorf("got %+v", process)
	}
}

// --pid can select the listener, the owner, both, or neither.
func TestSelectAccepted(t *testing.T) {
	t.Parallel()
	const counted = event.InCloseWait
	none := event.ProcID{}
	type outcome struct {
		owner event.ProcID
		flags event.Flags
	}
	for _, tc := range []struct {
		name                  string
		selected              []event.ProcID
		listener, owner       event.ProcID
		close, enterCloseWait outcome
	}{
		{"no --pid", nil, nginx, worker, outcome{worker, counted}, outcome{worker, 0}},
		{"both", []event.ProcID{nginx, worker}, nginx, worker, outcome{worker, counted}, outcome{worker, 0}},
		{"the listener", []event.ProcID{nginx}, nginx, worker, outcome{nginx, counted}, outcome{nginx, 0}},
		{"the owner", []event.ProcID{worker}, nginx, worker, outcome{worker, 0}, outcome{worker, event.NotSelected}},
		{"neither", []event.ProcID{}, nginx, worker, outcome{worker, event.NotSelected}, outcome{worker, event.NotSelected}},
		{"the listener, that owns it", []event.ProcID{nginx}, nginx, nginx, outcome{nginx, counted}, outcome{nginx, 0}},
		{"another, and the listener owns it", []event.ProcID{worker}, nginx, nginx, outcome{nginx, event.NotSelected}, outcome{nginx, event.NotSelected}},
		{"the listener, no owner", []event.ProcID{nginx}, nginx, none, outcome{nginx, counted}, outcome{nginx, 0}},
		{"the owner, no listener", []event.ProcID{worker}, none, worker, outcome{worker, 0}, outcome{worker, event.NotSelected}},
		{"another, no listener", []event.ProcID{nginx}, none, worker, outcome{worker, event.NotSelected}, outcome{worker, event.NotSelected}},
		{"one, nothing is known", []event.ProcID{nginx}, none, none, outcome{none, event.NotSelected}, outcome{none, event.NotSelected}},
		{"no --pid, nothing is known", nil, none, none, outcome{none, counted}, outcome{none, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCompleter(tc.selected...)
			if tc.listener.Known() {
				l := listen(tc.listener, netns1, "0.0.0.0:80")
				c.complete(&l)
			}
			closed := accepted(event.Close, by(tc.owner), flags(counted))
			c.complete(&closed)
			if got := (outcome{closed.Proc, closed.Flags}); got != tc.close {
				t.Errorf("close: got %+v, want %+v", got, tc.close)
			}
			entered := accepted(event.EnterCloseWait, by(tc.owner))
			c.complete(&entered)
			if got := (outcome{entered.Proc, entered.Flags}); got != tc.enterCloseWait {
				t.Errorf("CLOSE_WAIT: got %+v, want %+v", got, tc.enterCloseWait)
			}
			outgoing := connection(event.Close, event.Out, "10.0.0.1:80", "10.0.0.9:50000", by(tc.owner), flags(counted))
			if c.complete(&outgoing); outgoing.Proc != tc.owner || outgoing.Flags != counted {
				t.Errorf("outgoing: got %+v", outgoing)
			}
		})
	}
}

func TestInferBindErrno(t *testing.T) {
	t.Parallel()
	c := newCompleter()
	bind := func(src string, change ...func(*event.Event)) event.Event {
		e := event.Event{Kind: event.BindFail, Op: event.OpBind, Proto: event.TCP, Netns: netns1, Src: endpoint(src)}
		e.Fact = &event.AddressStamp{Net: 1}
		for _, change := range change {
			change(&e)
		}
		return e
	}
	for _, tc := range []struct {
		name   string
		e      event.Event
		errno  event.Errno
		reason event.Reason
	}{
		{"local", bind("10.0.0.1:80"), event.EADDRINUSE, event.PortTaken},
		{"local, any port", bind("10.0.0.1:0"), event.EADDRINUSE, event.RangeExhausted},
		{"foreign", bind("10.0.0.2:80"), event.EADDRNOTAVAIL, event.ForeignAddress},
		{"foreign, any port", bind("10.0.0.2:0"), event.EADDRNOTAVAIL, event.ForeignAddress},
		{"its addresses are not known", bind("10.0.0.2:80", in(netns2)), 0, event.OtherReason},
		{"seen", bind("10.0.0.2:80", func(e *event.Event) { e.Errno, e.Reason = event.EACCES, event.OtherReason }), event.EACCES, event.OtherReason},
		{"no failure", bind("10.0.0.2:80", func(e *event.Event) { e.Kind = event.Bind }), 0, 0},
	} {
		if c.complete(&tc.e); tc.e.Errno != tc.errno || tc.e.Reason != tc.reason {
			t.Errorf("%s: got %s, %s", tc.name, tc.e.Errno, tc.e.Reason)
		}
	}
}

// A close that is held leaves the stream, the others stay in their order, and what was there
// before is not completed again.
func TestCompleteFrom(t *testing.T) {
	t.Parallel()
	open := func(port uint16) event.Event {
		return connection(event.Open, event.Out, "10.0.0.1:1", "10.0.0.2:80", func(e *event.Event) { e.Src.Port = port })
	}
	closed := func(port uint16) event.Event {
		return orphan(func(e *event.Event) { e.Src.Port = port })
	}
	for _, tc := range []struct {
		name       string
		events     []event.Event
		begin      int
		kept, held []uint16
	}{
		{"nothing", nil, 0, nil, nil},
		{"none is held", []event.Event{open(1), open(2)}, 0, []uint16{1, 2}, nil},
		{"all are held", []event.Event{closed(1), closed(2)}, 0, nil, []uint16{1, 2}},
		{"the first", []event.Event{closed(1), open(2), open(3)}, 0, []uint16{2, 3}, []uint16{1}},
		{"the last", []event.Event{open(1), open(2), closed(3)}, 0, []uint16{1, 2}, []uint16{3}},
		{"some", []event.Event{open(1), closed(2), open(3), closed(4), closed(5), open(6)}, 0, []uint16{1, 3, 6}, []uint16{2, 4, 5}},
		{"some, later", []event.Event{closed(1), open(2), closed(3), open(4)}, 2, []uint16{1, 2, 4}, []uint16{3}},
		{"nothing new", []event.Event{closed(1), open(2)}, 2, []uint16{1, 2}, nil},
	} {
		c := newCompleter()
		kept := c.completeFrom(tc.events, tc.begin)
		if !slices.Equal(ports(kept), tc.kept) || !slices.Equal(ports(c.finWaits.held), tc.held) {
			t.Errorf("%s: kept %v, held %v", tc.name, ports(kept), ports(c.finWaits.held))
		}
		if len(kept) > 0 && &kept[0] != &tc.events[0] {
			t.Errorf("%s: the events were copied elsewhere", tc.name)
		}
	}
	c := newCompleter(worker)
	events := []event.Event{
		listen(nginx, netns1, "0.0.0.0:80"), accepted(event.Close, flags(event.FinWait2)), accepted(event.Close, flags(event.FinWait2)),
	}
	before := slices.Clone(events)
	if kept := c.completeFrom(events, 2); !slices.Equal(kept, before[:2]) || len(c.listeners.byPort) > 0 {
		t.Errorf("kept %+v, listeners %v", kept, c.listeners.byPort)
	}
}

// A close that is held is complete when it is released.
func TestHeldIsComplete(t *testing.T) {
	t.Parallel()
	c := newCompleter()
	c.completeFrom([]event.Event{listen(nginx, netns1, "0.0.0.0:80"), accepted(event.Close, flags(event.FinWait2))}, 0)
	want := accepted(event.Close, by(nginx), flags(event.FinWait2|event.TimeWait))
	want.Flags, want.Listener, want.Inferred = event.TimeWait, nginx, event.FieldPID
	if got := c.finWaits.release(nil, event.Time(time.Second), false); !slices.Equal(got, []event.Event{want}) {
		t.Errorf("got %+v", got)
	}
}

// TestIdentify: where the kernel side names no container, the hierarchies of version 1 do. A
// process that has ended keeps what the kernel side knew.
func TestIdentify(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0a1b2c3d", 8)
	for _, tc := range []struct{ name, kernel, proc, container, unit, cgroup string }{
		{"version 1", "/", "/docker/" + id, id, "", "/docker/" + id},
		{"hybrid", "/system.slice/containerd.service", "/docker/" + id, id, "", "/docker/" + id},
		{"a service", "/", "/system.slice/cron.service", "", "cron.service", "/system.slice/cron.service"},
		{"unified", "/docker/" + id, "/other.service", id, "", "/docker/" + id},
		{"ended", "/system.slice/cron.service", "", "", "cron.service", "/system.slice/cron.service"},
	} {
		p := event.Process{Cgroup: tc.kernel}
		c := completer{cgroup: func(event.ProcID) string { return tc.proc }}
		c.identify(&p)
		if p.Container != tc.container || p.Unit != tc.unit || p.Cgroup != tc.cgroup {
			t.Errorf("%s: %+v", tc.name, p)
		}
	}
}
