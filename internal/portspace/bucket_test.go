package portspace

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func local(port int) string { return fmt.Sprintf("10.0.0.1:%d", 40000+port) }

func inferred(e *event.Event) { e.Inferred |= event.FieldTimeWait }

// without is a close whose peer sent no timestamps.
const without = event.TimeWait | event.NoTimestamps

// A bucket without a timestamp is never reused: neither is its port counted as reusable, nor
// does its space have the rate that reuse would give.
func TestNoTimestamps(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	reuse := func(n *event.Netns) { n.Reuse = 1 }
	off := func(n *event.Netns) { n.Reuse, n.Timestamps = 1, event.SettingOf(0) }
	full := func(bound bool) event.Event {
		return event.Event{Time: start, Kind: event.CensusTaken, Fact: &event.Census{Netns: net1, Bound: bound}}
	}
	seen := func(f event.Flags) event.Event {
		return found(local(0), dst, event.StateTimeWait, ending(50*time.Second), flags(f))
	}
	for name, c := range map[string]struct {
		events    []event.Event
		reusable  int
		unstamped int
		life      time.Duration
	}{
		"with":                        {[]event.Event{config(hundred, "", reuse), socketEvent(event.Close, local(0), dst, flags(event.TimeWait))}, 1, 0, time.Second},
		"without":                     {[]event.Event{config(hundred, "", reuse), socketEvent(event.Close, local(0), dst, flags(without))}, 0, 1, saturatedLife},
		"turned off after the close":  {[]event.Event{config(hundred, "", off), socketEvent(event.Close, local(0), dst, flags(event.TimeWait))}, 1, 0, time.Second},
		"found with":                  {[]event.Event{config(hundred, "", reuse), full(true), seen(0)}, 1, 0, time.Second},
		"found without":               {[]event.Event{config(hundred, "", reuse), full(true), seen(event.NoTimestamps)}, 0, 1, saturatedLife},
		"found with, now off":         {[]event.Event{config(hundred, "", off), full(true), seen(0)}, 1, 0, time.Second},
		"by sock_diag":                {[]event.Event{config(hundred, "", reuse), full(false), seen(0)}, 1, 0, time.Second},
		"by sock_diag, and it is off": {[]event.Event{config(hundred, "", off), full(false), seen(0)}, 0, 1, saturatedLife},
		"no bucket yet":               {[]event.Event{config(hundred, "", reuse), socketEvent(event.Open, local(0), dst)}, 0, 0, time.Second},
		"no bucket yet, it is off":    {[]event.Event{config(hundred, "", off), socketEvent(event.Open, local(0), dst)}, 0, 0, saturatedLife},
		"its last one was without": {[]event.Event{
			config(hundred, "", reuse), socketEvent(event.Open, local(1), dst),
			socketEvent(event.Close, local(0), dst, flags(without)), socketEvent(event.SocketGone, local(0), dst),
		}, 0, 0, saturatedLife},
	} {
		table := tableOf(c.events...)
		now := start.Add(12 * time.Second)
		table.Advance(now)
		s := spaceTo(table, "10.0.0.1", dst)
		if got := s.Occupancy(now).Reusable; got != c.reusable || s.Unstamped() != c.unstamped || s.TimeWaitLife() != c.life {
			t.Errorf("%s: %d reusable, %d without timestamps, each for %s", name, got, s.Unstamped(), s.TimeWaitLife())
		}
	}
}

// sock_diag shows no timestamps: what a close has shown stays.
func TestTimestampsStay(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	for _, bound := range []bool{false, true} {
		table := tableOf(socketEvent(event.Close, local(0), dst, flags(without)))
		scan := event.NetnsScan{
			Census:  event.Census{Netns: net1, Bound: bound},
			Sockets: foundSockets(found(local(0), dst, event.StateTimeWait, ending(60*time.Second))),
		}
		changes := slices.Collect(table.Reconcile(Found{NetnsScan: &scan, At: start.Add(time.Second), Unsettled: settled}))
		if (len(changes) > 0) != bound {
			t.Errorf("with bound ports seen, %v: %+v", bound, changes)
		}
	}
}

// A port that a bind() of another address takes is taken at once, and the space is full since
// then, not since its ports came into TIME_WAIT.
func TestBoundAfterTimeWait(t *testing.T) {
	t.Parallel()
	const dst = "127.0.0.1:80"
	table := tableOf(config(event.PortRange{Low: 40000, High: 40001}, "", func(n *event.Netns) { n.Reuse = 2 }))
	check := func(what string, after time.Duration, reusable int, since event.Time) {
		t.Helper()
		now := start.Add(after)
		table.Advance(now)
		s := spaceTo(table, "127.0.0.1", dst)
		if o := s.Occupancy(now); o.Reusable != reusable || s.FullSince(now) != since || o.InUse() != 2 || s.Peak != 2 {
			t.Errorf("%s: %+v, full since %d, peak %d", what, o, s.FullSince(now), s.Peak)
		}
	}
	add := func(e event.Event) { table.Add(&e) }
	add(socketEvent(event.Close, "127.0.0.1:40000", dst, flags(event.TimeWait)))
	add(socketEvent(event.Close, "127.0.0.1:40001", dst, flags(event.TimeWait)))
	check("too young", 500*time.Millisecond, 0, start)
	check("old enough", 2*time.Second, 2, 0)
	add(socketEvent(event.Bind, "127.32.0.1:40000", "", at(3*time.Second)))
	check("one is bound", 3*time.Second, 1, 0)
	add(socketEvent(event.Bind, "127.32.0.1:40001", "", at(4*time.Second)))
	check("both are bound", 5*time.Second, 0, start.Add(4*time.Second))
	// Bound in a space that is full anyhow: nothing was lost.
	add(socketEvent(event.SocketGone, "127.32.0.1:40001", "", at(6*time.Second)))
	add(socketEvent(event.Open, "127.0.0.1:40001", dst, at(7*time.Second), flags(event.Reused)))
	add(socketEvent(event.Bind, "127.32.0.1:40001", "", at(8*time.Second)))
	check("the port of a connection is bound", 9*time.Second, 0, start.Add(7*time.Second))
	if got := spaceTo(table, "127.0.0.1", dst).TimeWaitLife(); got != saturatedLife {
		t.Errorf("the ports are held for %s", got)
	}
}

// Beyond tcp_max_tw_buckets a close leaves no bucket, and those who read the event after the
// table see none.
func TestBucketLimit(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	limit := func(n *event.Netns) { n.MaxTimeWait, n.FinTimeout = 32, uint64(time.Minute) }
	for name, c := range map[string]struct {
		configs []event.Event
		change  func(*event.Event)
		want    int
	}{
		"limited":           {[]event.Event{config(hundred, "", limit)}, inferred, 32},
		"those looked up":   {[]event.Event{config(hundred, "", limit)}, func(*event.Event) {}, 50},
		"not known":         {[]event.Event{config(hundred, "")}, inferred, 50},
		"none at all":       {[]event.Event{config(hundred, "", limit, func(n *event.Netns) { n.MaxTimeWait = 0 })}, inferred, 0},
		"others have those": {repeat(3, config(hundred, "", limit, func(n *event.Netns) { n.TimeWait = 20 })), inferred, 12},
		"for a moment": {append(repeat(2, config(hundred, "", limit, func(n *event.Netns) { n.TimeWait = 20 })),
			config(hundred, "", limit, func(n *event.Netns) { n.TimeWait = 0 })), inferred, 32},
	} {
		table := tableOf(c.configs...)
		left := 0
		for port := range 50 {
			e := socketEvent(event.Close, local(port), dst, flags(event.TimeWait), c.change)
			table.Complete(&e)
			table.Add(&e)
			if e.Flags.Has(event.TimeWait) {
				left++
			}
		}
		if got := spaceTo(table, "10.0.0.1", dst).Occupancy(start).TimeWait; got != c.want || left != c.want {
			t.Errorf("%s: %d buckets, %d by the events, want %d", name, got, left, c.want)
		}
	}
}

func repeat(n int, e event.Event) (list []event.Event) {
	for range n {
		list = append(list, e)
	}
	return list
}

// A bucket that ends makes room for another.
func TestBucketLimitAgain(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := tableOf(config(hundred, "", func(n *event.Netns) { n.MaxTimeWait = 1 }))
	const ms = time.Millisecond // the first one ends after 61,300 ms
	for i, after := range []time.Duration{300 * ms, time.Second, 61_100 * ms, 61_600 * ms} {
		e := socketEvent(event.Close, local(i), dst, flags(event.TimeWait), inferred, at(after))
		table.Complete(&e)
		table.Add(&e)
		if want := i == 0 || i == 3; e.Flags.Has(event.TimeWait) != want {
			t.Errorf("after %s a bucket was made: %v", after, !want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	count := func(c event.Counter) event.Event {
		return config(hundred, "", func(n *event.Netns) { n.Refused = c })
	}
	table := tableOf(count(0), count(event.CounterOf(100)), count(event.CounterOf(1268)))
	if got := table.Netns(net1).Refused(); got != 1168 {
		t.Errorf("%d refused", got)
	}
	table.RestartPeaks()
	next := count(event.CounterOf(1270))
	table.Add(&next)
	if got := table.Netns(net1).Refused(); got != 2 {
		t.Errorf("%d refused since the restart", got)
	}
}

// An orphan's bucket lives for tcp_fin_timeout, and becomes a TIME_WAIT with the peer's FIN.
func TestFinWait2Life(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	for timeout, want := range map[time.Duration]time.Duration{
		0: 60 * time.Second, 3 * time.Second: 3 * time.Second, 30 * time.Second: 30 * time.Second,
		60 * time.Second: 60 * time.Second, 90 * time.Second: 30 * time.Second,
	} {
		table := tableOf(config(hundred, "", func(n *event.Netns) { n.FinTimeout, n.TimerStep = uint64(timeout), uint64(2048*time.Millisecond) }),
			socketEvent(event.Close, local(0), dst, flags(event.FinWait2)))
		table.Advance(start.Add(want - 100*time.Millisecond))
		if o := spaceTo(table, "10.0.0.1", dst).Occupancy(start); o.TimeWait != 1 || o.FinWait2 != 1 {
			t.Errorf("tcp_fin_timeout %s: %+v before its end", timeout, o)
		}
		table.Advance(start.Add(want + want/8 + time.Second + time.Second))
		if o := spaceTo(table, "10.0.0.1", dst).Occupancy(start); o.TimeWait != 0 {
			t.Errorf("tcp_fin_timeout %s: %+v after its end", timeout, o)
		}
	}
	came := tableOf(config(hundred, "", func(n *event.Netns) { n.FinTimeout = uint64(3 * time.Second) }),
		socketEvent(event.Close, local(0), dst, flags(event.FinWait2)), found(local(0), dst, event.StateTimeWait, at(2*time.Second), ending(62*time.Second)))
	came.Advance(start.Add(10 * time.Second))
	if o := spaceTo(came, "10.0.0.1", dst).Occupancy(came.now); o.TimeWait != 1 || o.FinWait2 != 0 {
		t.Errorf("after the FIN: %+v", o)
	}
}

// How the buckets of orphans went on says for how long they take their port away.
func TestFinWait2LifeSeen(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	settings := config(hundred, "", func(n *event.Netns) { n.FinTimeout, n.TimerStep = uint64(3*time.Second), uint64(2048*time.Millisecond) })
	orphan := func(port int) event.Event { return socketEvent(event.Close, local(port), dst, flags(event.FinWait2)) }
	gone := func(port int, d time.Duration) event.Event {
		return socketEvent(event.SocketGone, local(port), dst, at(d))
	}
	closed := func(port int, d time.Duration) event.Event {
		return found(local(port), dst, event.StateTimeWait, at(d), ending(d+time.Minute))
	}
	const second = time.Second
	for name, c := range map[string]struct {
		events []event.Event
		want   time.Duration
	}{
		"none has gone on": {[]event.Event{orphan(0), orphan(1)}, saturatedLife},
		"one was reset":    {[]event.Event{orphan(0), orphan(1), gone(0, second)}, 3 * second},
		"peers closed":     {[]event.Event{orphan(0), orphan(1), closed(0, second), closed(1, second)}, saturatedLife},
		"one and one":      {[]event.Event{orphan(0), orphan(1), gone(0, second), closed(1, second)}, (saturatedLife + 3*second) / 2},
		"seen twice":       {[]event.Event{orphan(0), orphan(1), gone(0, second), closed(1, second), closed(1, 2*second)}, (saturatedLife + 3*second) / 2},
	} {
		table := tableOf(append([]event.Event{settings}, c.events...)...)
		if got, _ := spaceTo(table, "10.0.0.1", dst).FinWait2Life(); (got - c.want).Abs() > 100*time.Millisecond {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	table := tableOf(settings, orphan(0), socketEvent(event.Open, local(1), dst, at(0)))
	if _, least := spaceTo(table, "10.0.0.1", dst).FinWait2Life(); least > 4*second {
		t.Errorf("before the timer: at least %s", least)
	}
	table.Advance(start.Add(5 * second))
	if got, _ := spaceTo(table, "10.0.0.1", dst).FinWait2Life(); got > 4*second {
		t.Errorf("after the timer: %s", got)
	}
}

// The ports of early bound connections to several ends are in one class, wherever they are
// counted.
func TestOneClass(t *testing.T) {
	t.Parallel()
	const each, ends = 10, 4
	end := func(i int) string { return fmt.Sprintf("10.0.0.%d:80", 2+i) }
	table := tableOf()
	all := func(kind event.Kind, f event.Flags) {
		for i := range ends * each {
			e := socketEvent(kind, local(i), end(i%ends), flags(f))
			table.Add(&e)
		}
	}
	check := func(what string, want event.Occupancy, bindWant event.Occupancy, bound int) {
		t.Helper()
		want.Capacity, bindWant.Capacity = 100, 100
		for i := range ends {
			if s := spaceTo(table, "10.0.0.1", end(i)); s.Occupancy(start) != want || s.Peak > ends*each {
				t.Errorf("%s, towards %s: %+v, peak %d", what, end(i), s.Occupancy(start), s.Peak)
			}
		}
		if got := table.BindOccupancy(BindID{Netns: net1, Local: endpoint(local(0)).Addr}); got != bindWant {
			t.Errorf("%s, for bind(): %+v", what, got)
		}
		if got := table.Netns(net1).Bound(); got != bound {
			t.Errorf("%s: %d are bound", what, got)
		}
	}
	all(event.Open, event.EarlyBind)
	check("open", event.Occupancy{Live: each, Bound: (ends - 1) * each}, event.Occupancy{Live: ends * each}, ends*each)
	all(event.Close, event.TimeWait)
	check("closed", event.Occupancy{TimeWait: ends * each}, event.Occupancy{TimeWait: ends * each}, 0)
	sum := 0
	for _, n := range spaceTo(table, "10.0.0.1", end(0)).Expiring(start) {
		sum += n
	}
	if sum != ends*each {
		t.Errorf("%d ports will be released", sum)
	}
	// A listener takes one of them: it is bound then, and its bucket does not release it.
	listen := socketEvent(event.Listen, local(1), "")
	table.Add(&listen)
	if o := spaceTo(table, "10.0.0.1", end(0)).Occupancy(start); o.TimeWait != ends*each-1 || o.Bound != 1 {
		t.Errorf("with a listener: %+v", o)
	}
	table.Advance(start.Add(70 * time.Second))
	if o := spaceTo(table, "10.0.0.1", end(0)).Occupancy(table.now); o.TimeWait != 0 || o.Bound != 1 {
		t.Errorf("after the timers: %+v", o)
	}
}

// A port that connect() chose and a bind() took is counted once, in the peak too.
func TestPeakOnce(t *testing.T) {
	t.Parallel()
	const dst = "10.0.0.2:80"
	table := tableOf()
	for i := range 12 {
		bind := socketEvent(event.Bind, fmt.Sprintf("10.0.0.9:%d", 40000+i), "")
		for _, e := range []event.Event{socketEvent(event.Open, local(i), dst), bind} {
			table.Add(&e)
		}
	}
	last := socketEvent(event.Open, local(12), dst)
	table.Add(&last)
	if s := spaceTo(table, "10.0.0.1", dst); s.Peak != 13 || inUse(s) != 13 {
		t.Errorf("peak %d, in use %d", s.Peak, inUse(s))
	}
}

func inUse(v View) int {
	o := v.Occupancy(start)
	return o.InUse()
}
