package whatif

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const testNetns = 7

// recording is a stream that a test makes up.
type recording struct {
	events []event.Event
	fact   event.Netns
	world  event.World
}

func newRecording(ports int) *recording {
	return &recording{fact: event.Netns{
		Inode: testNetns, Ports: event.PortRange{Low: 32768, High: uint16(32767 + ports)},
		ReuseDelay: uint64(time.Second), Timestamps: event.SettingOf(1),
	}}
}

func end(text string) event.Endpoint {
	ap := netip.MustParseAddrPort(text)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

func (r *recording) add(at time.Duration, e event.Event) {
	e.Time, e.Netns, e.Proto = event.Time(time.Hour+at), testNetns, event.TCP
	if e.Direction == event.Unknown && e.Kind != event.Listen {
		e.Direction = event.Out
	}
	r.events = append(r.events, e)
}

// connection adds an open, and a close if its lifetime is not negative, in the order of time.
func (r *recording) connections(n int, every, lifetime time.Duration, to string, flags event.Flags) {
	for i := range n {
		src := event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(32768 + i)}
		r.add(time.Duration(i)*every, event.Event{Kind: event.Open, Src: src, Dst: end(to), Flags: flags & event.EarlyBind})
		if lifetime >= 0 {
			r.add(time.Duration(i)*every+lifetime, event.Event{Kind: event.Close, Src: src, Dst: end(to), Duration: uint64(lifetime), Flags: flags})
		}
	}
}

// replay replays it under changes.
func (r *recording) replay(t *testing.T, changes Changes, until time.Duration) (Result, *Replay) {
	t.Helper()
	if changes.Configure == nil {
		changes.Configure = func(n *event.Netns) (*Config, error) { return Recorded(n), nil }
	}
	r.world.Apply(&event.Event{Fact: &r.fact})
	var survey Survey
	for i := range r.events {
		survey.Add(&r.events[i], &r.world)
	}
	replay := NewReplay(&survey, changes)
	for i := range r.events {
		r.world.Apply(&r.events[i])
		if err := replay.Add(&r.events[i], &r.world); err != nil {
			t.Fatal(err)
		}
	}
	return replay.Result(event.Time(time.Hour + until)), replay
}

// withRange returns a replay's configuration with another range.
func withRange(text string) Changes {
	return Changes{Configure: func(n *event.Netns) (*Config, error) {
		c := Recorded(n)
		return c, c.SetRange(text)
	}}
}

func TestReplayUnderOtherRanges(t *testing.T) {
	t.Parallel()
	r := newRecording(1000)
	r.connections(1000, 50*time.Millisecond, 10*time.Millisecond, "10.0.0.2:80", event.TimeWait)
	got, _ := r.replay(t, Changes{}, time.Minute)
	if !got.Survives || got.Opens != 1000 || got.Peak != 1000 || got.Capacity != 1000 || got.Duration != time.Minute {
		t.Errorf("as recorded: %+v", got)
	}
	got, _ = r.replay(t, withRange("40000 40399"), time.Minute)
	if got.Failures != 600 || got.FirstFailure != 20*time.Second || got.Where != "10.0.0.1 -> 10.0.0.2:80" {
		t.Errorf("with 400 ports: %+v", got)
	}
	changes := withRange("40000 40399")
	changes.Destinations = 3
	if got, _ := r.replay(t, changes, time.Minute); !got.Survives || got.Peak != 334 {
		t.Errorf("three destinations: %+v", got)
	}
	changes.Destinations, changes.Sources = 1, 2
	if got, _ := r.replay(t, changes, time.Minute); got.Failures != 200 || got.FirstFailure != 40*time.Second {
		t.Errorf("two sources: %+v", got)
	}
	changes.Sources, changes.Requests = 1, 10
	if got, _ := r.replay(t, changes, time.Minute); !got.Survives || got.Requests != 1000 || got.Opens != 100 {
		t.Errorf("a pool: %+v", got)
	}
}

// A range that is changed meanwhile: what the new one gives is of the load, too.
func TestReplayOfOtherRange(t *testing.T) {
	t.Parallel()
	r := newRecording(100)
	wider := r.fact
	wider.Ports.High = 33767
	r.connections(1000, 50*time.Millisecond, 10*time.Millisecond, "10.0.0.2:80", event.TimeWait)
	change := event.Event{Time: r.events[100].Time, Kind: event.NetnsKnown, Fact: &wider}
	r.events = slices.Insert(r.events, 100, change)
	if got, _ := r.replay(t, withRange("32768 60999"), time.Minute); got.Opens != 1000 {
		t.Errorf("%+v", got)
	}
}

// What comes before the window is in use when it begins.
func TestReplayFrom(t *testing.T) {
	t.Parallel()
	r := newRecording(1000)
	r.connections(1000, 50*time.Millisecond, 10*time.Millisecond, "10.0.0.2:80", event.TimeWait)
	changes := withRange("40000 40399")
	changes.From = event.Time(time.Hour + 15*time.Second)
	got, _ := r.replay(t, changes, time.Minute)
	if got.Failures != 600 || got.FirstFailure != 5*time.Second || got.Opens != 700 || got.Duration != 45*time.Second {
		t.Errorf("%+v", got)
	}
}

func TestReplayBinding(t *testing.T) {
	t.Parallel()
	r := newRecording(1000)
	for _, to := range []string{"10.0.0.2:80", "10.0.0.3:80"} {
		r.connections(600, 50*time.Millisecond, -1, to, event.EarlyBind)
	}
	// In the order of time.
	var ordered []event.Event
	for i := range 600 {
		ordered = append(ordered, r.events[i], r.events[600+i])
	}
	r.events = ordered
	if got, _ := r.replay(t, Changes{}, time.Minute); got.Failures != 200 {
		t.Errorf("as recorded: %+v", got)
	}
	if got, _ := r.replay(t, Changes{Early: LateBind}, time.Minute); !got.Survives || got.Peak != 600 {
		t.Errorf("late bind: %+v", got)
	}
	for i := range r.events {
		r.events[i].Flags = 0
	}
	if got, _ := r.replay(t, Changes{}, time.Minute); !got.Survives {
		t.Errorf("connects: %+v", got)
	}
	if got, _ := r.replay(t, Changes{Early: EarlyBind}, time.Minute); got.Failures != 200 {
		t.Errorf("early bind: %+v", got)
	}
	windows := Changes{Configure: func(*event.Netns) (*Config, error) {
		c := ProfileOf("windows-2008").Config()
		return c, c.Set("dynamicport=10000,1100")
	}}
	if got, _ := r.replay(t, windows, time.Minute); got.Failures != 100 || got.Where != "10.0.0.1" {
		t.Errorf("windows-2008: %+v", got)
	}
}

// Calls that found no port wanted a connection.
func TestReplayOfFailures(t *testing.T) {
	t.Parallel()
	r := newRecording(100)
	r.connections(100, 10*time.Millisecond, time.Millisecond, "10.0.0.2:80", event.TimeWait)
	at := event.Time(time.Hour + 2*time.Second)
	r.add(2*time.Second, event.Event{
		Kind: event.ConnectFail, Op: event.OpConnect, Reason: event.RangeExhausted, Dst: end("10.0.0.2:80"),
		Count: 50, First: at.Add(-time.Second), Last: at,
	})
	if got, _ := r.replay(t, Changes{}, 10*time.Second); got.Failures != 50 || got.Requests != 150 || got.FirstFailure != 2*time.Second {
		t.Errorf("as recorded: %+v", got)
	}
	if got, _ := r.replay(t, withRange("40000 40149"), 10*time.Second); !got.Survives || got.Peak != 150 {
		t.Errorf("with as many ports as it takes: %+v", got)
	}
}

// What was only counted takes ports, too; scans turn it into sockets, without counting twice.
func TestReplayOfFolds(t *testing.T) {
	t.Parallel()
	r := newRecording(1000)
	r.connections(1, time.Second, -1, "10.0.0.2:80", 0)
	fold := func(at time.Duration, f event.Fold) {
		last := event.Time(time.Hour + at)
		r.add(at, event.Event{Kind: event.Folded, Dst: end("10.0.0.2:80"), Fact: &f, First: last.Add(-time.Second), Last: last})
	}
	fold(2*time.Second, event.Fold{Opens: 500})
	for i := range 100 { // of those 500
		src := event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(33000 + i)}
		r.add(4*time.Second, event.Event{Kind: event.SocketFound, State: event.StateEstablished, Src: src, Dst: end("10.0.0.2:80")})
	}
	fold(5*time.Second, event.Fold{ClosesOut: 450, TimeWaitOut: 450})
	for i := range 50 { // the other closes were these
		src := event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(33000 + i)}
		r.add(8*time.Second, event.Event{Kind: event.SocketGone, Src: src, Dst: end("10.0.0.2:80")})
	}
	got, replay := r.replay(t, Changes{}, 30*time.Second)
	h := replay.order[0]
	if got.Opens != 501 || got.Peak != 501 || h.engine.active != 51 || h.engine.nBuckets != 450 {
		t.Errorf("%+v, %d live, %d in TIME_WAIT", got, h.engine.active, h.engine.nBuckets)
	}
	if got, _ := r.replay(t, withRange("40000 40199"), 30*time.Second); got.Failures != 301 {
		t.Errorf("with 200 ports: %+v", got)
	}
}

func TestReplayOfWhatWasThere(t *testing.T) {
	t.Parallel()
	r := newRecording(100)
	src := func(port uint16) event.Endpoint { return event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: port} }
	for i := range uint16(20) {
		r.add(0, event.Event{Kind: event.SocketFound, State: event.StateEstablished, Src: src(32768 + i), Dst: end("10.0.0.2:80"), Flags: event.BeforeStart})
		r.add(0, event.Event{
			Kind: event.SocketFound, State: event.StateTimeWait, Src: src(32800 + i), Dst: end("10.0.0.2:80"), Flags: event.BeforeStart,
			First: event.Time(time.Hour), Last: event.Time(time.Hour + 30*time.Second),
		})
	}
	r.add(0, event.Event{Kind: event.SocketFound, State: event.StateListen, Src: src(32860), Flags: event.BeforeStart | event.OwnedByBind})
	r.add(0, event.Event{Kind: event.SocketFound, State: event.StateListen, Src: src(80), Flags: event.BeforeStart | event.OwnedByBind})
	for i := range 100 {
		r.add(time.Second+time.Duration(i)*time.Second, event.Event{Kind: event.Open, Src: src(uint16(40000)), Dst: end(fmt.Sprintf("10.0.1.%d:80", i)), Flags: 0})
	}
	got, replay := r.replay(t, Changes{}, 2*time.Minute)
	if !got.Survives || got.Peak != 41 || got.Opens != 0 || replay.order[0].engine.active != 20 {
		t.Errorf("ports that were chosen outside of the range count: %+v", got)
	}
	short := Changes{Configure: func(n *event.Netns) (*Config, error) {
		c := Recorded(n)
		c.System.TimeWait = 20 * time.Second
		return c, nil
	}}
	if got, _ := r.replay(t, short, 2*time.Minute); got.Peak != 21 {
		t.Errorf("a TIME_WAIT of 20 s would have ended: %+v", got)
	}
}

// Scans correct what events have missed; after a gap they show what there is.
func TestReplayOfWhatWasMissed(t *testing.T) {
	t.Parallel()
	r := newRecording(100)
	src := func(i int) event.Endpoint {
		return event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(32768 + i)}
	}
	found := func(at time.Duration, i int, state event.State) {
		e := event.Event{Kind: event.SocketFound, State: state, Src: src(i), Dst: end("10.0.0.2:80")}
		if state == event.StateTimeWait {
			e.Last = event.Time(time.Hour + at + 59*time.Second)
		}
		r.add(at, e)
	}
	r.connections(20, time.Millisecond, -1, "10.0.0.2:80", 0)
	found(time.Second, 0, event.StateTimeWait) // its close was missed
	found(time.Second, 0, event.StateTimeWait) // repeated
	found(time.Second, 30, event.StateEstablished)
	state := func(want string) {
		t.Helper()
		_, replay := r.replay(t, Changes{}, 4*time.Second)
		h := replay.order[0]
		if got := fmt.Sprintf("%d live, %d in TIME_WAIT, %d ports", h.engine.active, h.engine.nBuckets, h.engine.ports.fullest()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	state("20 live, 1 in TIME_WAIT, 21 ports")
	r.events = append(r.events, event.Event{Time: event.Time(time.Hour + 2*time.Second), Kind: event.Missing, Fact: &event.Gap{}})
	state("0 live, 1 in TIME_WAIT, 1 ports")
	for i := range 5 {
		found(3*time.Second, i, event.StateEstablished)
	}
	state("5 live, 1 in TIME_WAIT, 6 ports")
}

func TestReuseOfOlderKernels(t *testing.T) {
	t.Parallel()
	fact := event.Netns{Ports: event.PortRange{Low: 1024, High: 2023}, Reuse: 1, ReuseDelay: uint64(time.Second)}
	for release, want := range map[string]time.Duration{
		"5.10.0-30-amd64": time.Second, "6.12.117+deb12": time.Second, "6.14.0": 0, "6.18.44-fc-v669": 0, "7.2": 0, "": 0,
	} {
		s, err := Recorded(&fact).OfKernel(release).Resolve()
		if err != nil || !s.Reuse || s.ReuseStep != want || s.ReuseDelay != time.Second-want {
			t.Errorf("%q: %+v, %v", release, s, err)
		}
		if r := Simulate(s, Load{Rate: 995}); !r.Survives {
			t.Errorf("%q: %+v", release, r)
		}
	}
}
