package whatif

import (
	"math"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// tcp_tw_reuse 2, the default, is for loopback addresses only; nothing is reused without
// timestamps.
func TestSustainableOfReuse(t *testing.T) {
	t.Parallel()
	const ports, lifetime = 1000, 10 * time.Millisecond
	waits := func(wait time.Duration) float64 { return ports / (wait + lifetime).Seconds() }
	for _, c := range []struct {
		name, to string
		reuse    uint8
		flags    event.Flags
		want     float64
	}{
		{"2, not loopback", "10.0.0.2:80", 2, event.TimeWait, waits(time.Minute)},
		{"2, loopback", "127.0.0.1:80", 2, event.TimeWait, waits(time.Second)},
		{"2, IPv6 loopback", "[::1]:80", 2, event.TimeWait, waits(time.Second)},
		{"1", "10.0.0.2:80", 1, event.TimeWait, waits(time.Second)},
		{"1, without timestamps", "10.0.0.2:80", 1, event.TimeWait | event.NoTimestamps, waits(time.Minute)},
		{"0, loopback", "127.0.0.1:80", 0, event.TimeWait, waits(time.Minute)},
	} {
		r := newRecording(ports)
		r.fact.Reuse = c.reuse
		r.connections(500, 10*time.Millisecond, lifetime, c.to, c.flags)
		got, replay := r.replay(t, Changes{}, 10*time.Second)
		if math.Abs(got.Sustainable-c.want) > 0.01 {
			t.Errorf("%s: %.2f/s, want %.2f/s", c.name, got.Sustainable, c.want)
		}
		_, system, err := replay.Busiest(nil)
		if reuses := c.want > 100; err != nil || c.flags == event.TimeWait && system.Reuse != reuses {
			t.Errorf("%s: %+v, %v", c.name, system, err)
		}
	}
}

// The pool that is full first is the limit, not the one with most connections: here most go to
// loopback, where ports are reused.
func TestSustainableOfTheFirstToBeFull(t *testing.T) {
	t.Parallel()
	r := newRecording(1000)
	r.fact.Reuse = 2
	r.connections(600, time.Millisecond, 10*time.Millisecond, "127.0.0.1:80", event.TimeWait)
	r.connections(300, time.Millisecond, 10*time.Millisecond, "10.0.0.2:80", event.TimeWait)
	want := 3 * 1000 / 60.01
	if got, _ := r.replay(t, Changes{}, 10*time.Second); math.Abs(got.Sustainable-want) > 0.01 {
		t.Errorf("%.2f/s, want %.2f/s", got.Sustainable, want)
	}
	// Of connections that the server closes first, none is in TIME_WAIT here.
	r = newRecording(1000)
	r.connections(600, time.Millisecond, 10*time.Millisecond, "10.0.0.3:80", 0)
	r.connections(300, time.Millisecond, 10*time.Millisecond, "10.0.0.2:80", event.TimeWait)
	if got, _ := r.replay(t, Changes{}, 10*time.Second); math.Abs(got.Sustainable-want) > 0.01 {
		t.Errorf("server closes: %.2f/s, want %.2f/s", got.Sustainable, want)
	}
}
