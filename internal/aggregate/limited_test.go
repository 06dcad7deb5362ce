package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// limitedSince reports after some seconds that the pair of shop and web is limited, or was until
// then.
func limitedSince(seconds, since int, over bool, change func(*event.Event)) event.Event {
	return with(event.DetailLimited, func(e *event.Event) {
		e.Time, e.First = begin.Add(time.Duration(seconds)*time.Second), begin.Add(time.Duration(since)*time.Second)
		e.Count, e.Src = 100, event.Endpoint{}
		if over {
			e.Last = e.Time
		}
		if change != nil {
			change(e)
		}
	})
}

// what is said of a pair: when its limit began and ended, in seconds, how often, and what was counted.
type saying struct {
	since, until, times int
	counted             uint64
}

func sayings(snap *snapshot.Snapshot) (list []saying) {
	seconds := func(at time.Time) int {
		if at.IsZero() {
			return 0
		}
		return int(at.Sub(snap.Clock.WallTime(begin)) / time.Second)
	}
	for _, l := range snap.DetailLimits {
		list = append(list, saying{seconds(l.Since), seconds(l.Until), l.Times, l.Counted})
	}
	return list
}

// A row says since when and until when a pair is limited, and how many events it stands for.
func TestDetailLimits(t *testing.T) {
	t.Parallel()
	sum := func(seconds int) event.Event {
		return after(time.Duration(seconds)*time.Second, fold(event.Fold{Opens: 10, ClosesOut: 9, EnterCloseWait: 1}, nil))
	}
	elsewhere := after(2*time.Second, fold(event.Fold{Opens: 5}, func(e *event.Event) { e.Dst.Port++ }))
	gap := after(4*time.Second, event.Event{Kind: event.Missing, Fact: &event.Gap{Begin: begin.Add(3 * time.Second), End: begin.Add(4 * time.Second)}})
	goesOn, again := limitedSince(1, 1, false, nil), limitedSince(11, 1, false, nil)
	for name, c := range map[string]struct {
		events []event.Event
		want   []saying
	}{
		"it goes on":               {[]event.Event{goesOn, sum(2), elsewhere, sum(3)}, []saying{{1, 0, 1, 40}}},
		"it is repeated":           {[]event.Event{goesOn, sum(2), again, sum(12)}, []saying{{1, 0, 1, 40}}},
		"the ring was full before": {[]event.Event{sum(0), goesOn, sum(2)}, []saying{{1, 0, 1, 20}}},
		"it has ended":             {[]event.Event{goesOn, sum(2), limitedSince(3, 1, true, nil), sum(4)}, []saying{{1, 3, 1, 20}}},
		"twice":                    {[]event.Event{goesOn, limitedSince(3, 1, true, nil), limitedSince(5, 5, false, nil), sum(6)}, []saying{{1, 0, 2, 20}}},
		"a part is missing":        {[]event.Event{goesOn, sum(2), gap}, []saying{{1, 3, 1, 20}}},
		"it went on meanwhile":     {[]event.Event{goesOn, gap, again, sum(12)}, []saying{{1, 0, 1, 20}}},
		"the filter leaves it out": {[]event.Event{limitedSince(1, 1, false, flagged(event.NotSelected)), sum(2)}, nil},
	} {
		s := of(append([]event.Event{anchored}, c.events...)...)
		snap := s.Snapshot(begin.Add(20 * time.Second))
		got := sayings(snap)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] || snap.DetailLimits[i].Limit != 100 || snap.DetailLimits[i].Proc.ID != shop || snap.DetailLimits[i].End != web {
				t.Errorf("%s: %+v, want %v", name, snap.DetailLimits[i], c.want[i])
			}
		}
		s.Restart(begin.Add(21 * time.Second))
		for _, l := range s.Snapshot(begin.Add(22 * time.Second)).DetailLimits {
			if !l.Until.IsZero() || l.Counted != 0 {
				t.Errorf("%s, after a restart: %+v", name, l)
			}
		}
	}
}

// endAt makes the events of a pair those of another one.
func endAt(port int) func(*event.Event) {
	return func(e *event.Event) { e.Dst.Port = uint16(port) }
}

// Of more pairs than are listed, those with the most events are, whether they go on or not, and all are
// counted. A pair that is limited again is the same one.
func TestManyDetailLimits(t *testing.T) {
	t.Parallel()
	const pairs = 3 * maxLimits
	events := []event.Event{anchored}
	for i := range pairs {
		events = append(events, limitedSince(1, 1, false, endAt(1+i)), after(2*time.Second, fold(event.Fold{Opens: uint64(pairs - i)}, endAt(1+i))))
		if i%2 == 0 {
			events = append(events, limitedSince(3, 1, true, endAt(1+i)))
		}
	}
	snap := of(append(events, limitedSince(4, 4, false, endAt(1)))...).Snapshot(begin.Add(5 * time.Second))
	if got := snap.Limited; got.All != pairs || got.Now != pairs/2+1 || got.Counted != pairs*(pairs+1)/2 {
		t.Errorf("of %d pairs: %+v", pairs, got)
	}
	if n := len(snap.DetailLimits); n != maxLimits {
		t.Fatalf("%d pairs are listed, want %d", n, maxLimits)
	}
	for i, l := range snap.DetailLimits {
		if l.Counted != uint64(pairs-i) || int(l.End.Port) != 1+i || l.Until.IsZero() != (i == 0 || i%2 == 1) {
			t.Errorf("pair %d: %+v", i, l)
		}
	}
	if others, counted := snap.OtherLimits(maxLimits); others != pairs-maxLimits || counted != 200*201/2 {
		t.Errorf("%d others with %d events", others, counted)
	}
}

// Of pairs that have ended no more than some are kept, those with the most events, and all are counted.
func TestEndedLimitsAreBounded(t *testing.T) {
	t.Parallel()
	const pairs = 3 * maxEndedLimits
	events := []event.Event{anchored}
	for i := range pairs {
		events = append(events, limitedSince(1, 1, false, endAt(1+i)), fold(event.Fold{Opens: uint64(1 + i)}, endAt(1+i)), limitedSince(3, 1, true, endAt(1+i)))
	}
	s := of(events...)
	if n := len(s.limits.ended); n > 2*maxEndedLimits {
		t.Errorf("%d are kept", n)
	}
	snap := s.Snapshot(begin.Add(5 * time.Second))
	if snap.Limited.All != pairs || snap.DetailLimits[0].Counted != pairs || snap.DetailLimits[maxLimits-1].Counted != pairs-maxLimits+1 {
		t.Errorf("%+v, the first is %+v", snap.Limited, snap.DetailLimits[0])
	}
}

// What is counted of accepted connections before they have an owner is a pair of its own for the
// kernel, and one row with the rest.
func TestDetailLimitsAccepted(t *testing.T) {
	t.Parallel()
	in := func(e *event.Event) { e.Direction, e.Src, e.Dst = event.In, web, event.Endpoint{} }
	unowned := func(e *event.Event) {
		in(e)
		e.Proc, e.Listener, e.Inferred = shop, shop, event.FieldPID
	}
	snap := of(anchored, limitedSince(1, 1, false, in), limitedSince(1, 1, false, unowned),
		after(2*time.Second, fold(event.Fold{ClosesIn: 4}, in)), after(2*time.Second, fold(event.Fold{EnterCloseWait: 3}, unowned)),
	).Snapshot(begin.Add(3 * time.Second))
	if got := sayings(snap); len(got) != 1 || got[0] != (saying{1, 0, 1, 7}) {
		t.Errorf("got %v", got)
	}
}

// A row says how many of its events are not listed, and its resets and early binds are whole.
func TestUnlisted(t *testing.T) {
	t.Parallel()
	snap := of(
		with(event.Open, nil), fold(event.Fold{Opens: 9, ClosesOut: 8, ResetsOut: 7, EarlyBinds: 6, EnterSynSent: 1}, nil),
	).Snapshot(begin)
	p := processOf(t, snap, shop)
	if p.Unlisted != 17 || p.ResetsOut != 7 || p.EarlyBinds != 6 || snap.Totals.Unlisted != 17 {
		t.Errorf("got %+v, %d early binds", p.Totals, p.EarlyBinds)
	}
}
