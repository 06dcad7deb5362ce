package portspace

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// step250 is that of the timer wheel for 60 s at 250 Hz.
const step250 = 2048 * time.Millisecond

// bucketsOf returns a table with closes over ten seconds, and a scan that finds their buckets
// with timers of that length, each rounded up to the step.
func bucketsOf(count int, length time.Duration) (*Table, *event.NetnsScan) {
	const dst = "10.0.0.2:80"
	table := tableOf(config(hundred, "", func(n *event.Netns) { n.TimerStep = uint64(step250) }))
	scan := &event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}}
	for i := range count {
		after := time.Duration(i) * 10 * time.Second / time.Duration(count)
		e := socketEvent(event.Close, local(i), dst, flags(event.TimeWait), at(after), cookie(uint64(i+1)))
		table.Add(&e)
		due := time.Duration(start.Add(after+length))/step250*step250 + step250
		scanned := found(local(i), dst, event.StateTimeWait, cookie(uint64(i+1)), ending(due-time.Duration(start)))
		addFound(&scan.Sockets, &scanned)
	}
	return table, scan
}

// How long a TIME_WAIT lives is what the timers show.
func TestMeasureTimeWait(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{60 * time.Second, 15 * time.Second, 30 * time.Second, 120 * time.Second, 300 * time.Second} {
		table, scan := bucketsOf(60, length)
		for i := range 20 { // a repeated FIN restarts some timers
			changed := scan.Sockets.At(i * 3)
			changed.Expiry = changed.Expiry.Add(20 * time.Second)
			scan.Sockets.Set(i*3, &changed)
		}
		orphan := scan.Sockets.At(0)
		orphan.Flags |= event.FinWait2
		scan.Sockets.Set(0, &orphan)
		got := table.MeasureTimeWait(scan)
		if (got - length).Abs() > 2*time.Second {
			t.Errorf("%s is measured as %s", length, got)
		}
		census := scan.Census
		census.TimeWait = uint64(got)
		e := event.Event{Time: start.Add(11 * time.Second), Kind: event.CensusTaken, Fact: &census}
		table.Add(&e)
		n := table.Netns(net1)
		if length == TimeWaitLength && n.TimeWaitLength() != length || n.TimeWaitLength() != length && (n.TimeWaitLength()-length).Abs() > 2*time.Second {
			t.Errorf("%s: it is taken as %s", length, n.TimeWaitLength())
		}
		if life := n.BucketLife(); life < n.TimeWaitLength() || life > n.TimeWaitLength()+step250 {
			t.Errorf("%s: a full space loses a port for %s", length, life)
		}
		made := start.Add(20 * time.Second)
		if expiry := n.TimeWaitExpiry(made).Sub(made); expiry < n.TimeWaitLength() || expiry > n.TimeWaitLength()+step250 {
			t.Errorf("%s: it is expected to end after %s", length, expiry)
		}
	}
}

// Few buckets, or such as the table knows nothing of, show nothing.
func TestMeasureTimeWaitOfFew(t *testing.T) {
	t.Parallel()
	table, scan := bucketsOf(minSamples-1, 30*time.Second)
	if got := table.MeasureTimeWait(scan); got != 0 {
		t.Errorf("%s of too few", got)
	}
	_, scan = bucketsOf(50, 30*time.Second)
	if got := tableOf().MeasureTimeWait(scan); got != 0 {
		t.Errorf("%s of unknown ones", got)
	}
	if got := table.Netns(net1).TimeWaitLength(); got != TimeWaitLength {
		t.Errorf("it is %s", got)
	}
}

// A namespace that gets the inode of another has its own length.
func TestLengthOfAnotherNamespace(t *testing.T) {
	t.Parallel()
	table := tableOf()
	table.Netns(net1).setLength(30 * time.Second)
	next := config(hundred, "", func(n *event.Netns) { n.Cookie = 2 })
	table.Add(&next)
	if got := table.Netns(net1).TimeWaitLength(); got != TimeWaitLength {
		t.Errorf("it is %s", got)
	}
}

// tcp_tw_timeout holds at once, and for the buckets of orphans, too. Timers that show
// something else win, but not those of buckets from before it changed.
func TestTimeWaitSetting(t *testing.T) {
	t.Parallel()
	set := func(length, after time.Duration) event.Event {
		e := config(hundred, "", func(n *event.Netns) {
			n.TimerStep, n.TimeWaitSetting, n.FinTimeout = uint64(step250), uint64(length), uint64(40*time.Second)
		})
		e.Time = start.Add(after)
		return e
	}
	table, scan := bucketsOf(60, 15*time.Second)
	n := table.Netns(net1)
	measure := func() {
		t.Helper()
		census := scan.Census
		census.TimeWait = uint64(table.MeasureTimeWait(scan))
		e := event.Event{Time: start.Add(11 * time.Second), Kind: event.CensusTaken, Fact: &census}
		table.Add(&e)
	}
	want := func(what string, length, finWait time.Duration) {
		t.Helper()
		if got := n.TimeWaitLength(); (got - length).Abs() > 2*time.Second {
			t.Errorf("%s: a TIME_WAIT lives %s, want %s", what, got, length)
		}
		if got := n.finWaitLength(40 * time.Second); (got - finWait).Abs() > 2*time.Second {
			t.Errorf("%s: a FIN_WAIT2 lives %s, want %s", what, got, finWait)
		}
	}
	want("without a setting", TimeWaitLength, 40*time.Second)
	first := set(30*time.Second, -time.Second)
	table.Add(&first)
	want("set", 30*time.Second, 10*time.Second)
	measure()
	want("the timers show something else", 15*time.Second, 25*time.Second)
	again := set(20*time.Second, 10*time.Second) // nearly all buckets are older
	table.Add(&again)
	want("set again", 20*time.Second, 20*time.Second)
	measure()
	want("the timers show what was set before", 20*time.Second, 20*time.Second)
	same := set(20*time.Second, 11*time.Second)
	table.Add(&same)
	want("the same again", 20*time.Second, 20*time.Second)
	for _, hostile := range []time.Duration{1, slots * time.Second} {
		e := set(hostile, 12*time.Second)
		table.Add(&e)
		want("what no kernel has", TimeWaitLength, 40*time.Second)
	}
	gone := config(hundred, "")
	table.Add(&gone)
	want("a kernel without it", TimeWaitLength, 40*time.Second)
}

// If the setting says something else than the timers, 60 s can be measured, too.
func TestSettingWithoutEffect(t *testing.T) {
	t.Parallel()
	table, scan := bucketsOf(60, TimeWaitLength)
	fact := config(hundred, "", func(n *event.Netns) { n.TimerStep, n.TimeWaitSetting = uint64(step250), uint64(5*time.Second) })
	fact.Time = start.Add(-time.Second)
	table.Add(&fact)
	n := table.Netns(net1)
	n.setLength(table.MeasureTimeWait(scan))
	if got := n.TimeWaitLength(); (got - TimeWaitLength).Abs() > 2*time.Second {
		t.Errorf("a TIME_WAIT lives %s", got)
	}
}
