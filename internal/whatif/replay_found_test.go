package whatif

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// withFound returns a recording that begins with n sockets in TIME_WAIT, and then has opens.
func withFound(n, opens int) *recording {
	r := newRecording(1000)
	for i := range n {
		src := event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(32768 + i)}
		r.add(0, event.Event{
			Kind: event.SocketFound, State: event.StateTimeWait, Src: src, Dst: end("10.0.0.2:80"), Flags: event.BeforeStart,
			First: event.Time(time.Hour), Last: event.Time(time.Hour + 50*time.Second),
		})
	}
	for i := range opens {
		src := event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(33500 + i)}
		r.add(time.Second+time.Duration(i)*time.Millisecond, event.Event{Kind: event.Open, Src: src, Dst: end("10.0.0.2:80")})
	}
	return r
}

// A socket that was there before is no call of the recording, whether it has a port or not: never
// do more calls fail than were tried.
func TestNoMoreFailuresThanCalls(t *testing.T) {
	t.Parallel()
	r := withFound(700, 60)
	got, _ := r.replay(t, withRange("40000 40255"), 40*time.Second)
	if got.Failures != 60 || got.Opens != 60 || got.Requests != 60 || got.Unplaced != 444 || got.FirstFailure != 0 || got.Survives {
		t.Errorf("%+v", got)
	}
	text := (&Answer{Config: ProfileOf("linux").Config(), Load: "a load", Result: got}).failures()
	if want := "60 of 60 calls: no free port, first for 10.0.0.1 -> 10.0.0.2:80; 444 of the sockets that were there before have no place, either"; text != want {
		t.Errorf("%s, want %s", text, want)
	}
	if got, _ := r.replay(t, Changes{}, 40*time.Second); !got.Survives || got.Unplaced != 0 || got.Opens != 60 || got.Peak != 760 {
		t.Errorf("as recorded: %+v", got)
	}
}

// A range without room for what was there does not suffice, even if all calls find a port.
func TestFoundSocketsNeedPorts(t *testing.T) {
	t.Parallel()
	r := withFound(300, 0)
	got, _ := r.replay(t, withRange("40000 40255"), 10*time.Second)
	if got.Survives || got.Failures != 0 || got.Unplaced != 44 || got.Cause != NoPort {
		t.Errorf("%+v", got)
	}
	a := Answer{Config: ProfileOf("linux").Config(), Load: "a load", Result: got}
	if text := a.failures(); !strings.HasPrefix(text, "none of 0 calls; 44 of the sockets") {
		t.Error(text)
	}
	limited := Changes{Configure: func(n *event.Netns) (*Config, error) {
		c := Recorded(n)
		c.System.MaxTCBs = 100
		return c, nil
	}}
	if got, _ := r.replay(t, limited, 10*time.Second); got.Unplaced != 200 || got.Cause != TooManyTCBs {
		t.Errorf("by another limit: %+v", got)
	}
	from := withRange("40000 40255")
	from.From = event.Time(time.Hour + time.Second)
	r.connections(1, 0, 0, "10.0.0.9:80", 0)
	r.events[len(r.events)-1].Time = from.From // the window begins
	if got, _ := r.replay(t, from, 10*time.Second); got.Unplaced != 0 || !got.Survives {
		t.Errorf("from later on: %+v", got)
	}
}

// The first scan comes after the first calls: what it finds had its port before them, so that one
// that has none in the model stands for a call that had none.
func TestCallsAheadOfTheFirstScan(t *testing.T) {
	t.Parallel()
	r := newRecording(100)
	last := event.Time(time.Hour + 10*time.Millisecond)
	r.add(10*time.Millisecond, event.Event{
		Kind: event.ConnectFail, Op: event.OpConnect, Reason: event.RangeExhausted, Count: 30,
		Src: event.Endpoint{Addr: end("10.0.0.1:1").Addr}, Dst: end("10.0.0.2:80"), First: last, Last: last,
	})
	for i := range 100 {
		src := event.Endpoint{Addr: end("10.0.0.1:1").Addr, Port: uint16(32768 + i)}
		r.add(500*time.Millisecond, event.Event{Kind: event.SocketFound, State: event.StateEstablished, Src: src, Dst: end("10.0.0.2:80"), Flags: event.BeforeStart})
	}
	r.events[0].Time = event.Time(time.Hour)
	got, _ := r.replay(t, Changes{}, 10*time.Second)
	if got.Failures != 30 || got.Opens != 30 || got.Unplaced != 0 {
		t.Errorf("as recorded: %+v", got)
	}
	if got, _ := r.replay(t, withRange("40000 40049"), 10*time.Second); got.Failures != 30 || got.Opens != 30 || got.Unplaced != 50 {
		t.Errorf("half the ports: %+v", got)
	}
}
