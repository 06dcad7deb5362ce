package probe

import (
	"bytes"
	"cmp"
	"slices"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// DefaultDetailLimit is the limit of every command. An event that is read takes 0.4 us of user space
// in a storm of resets and 1.3 us in one that leaves buckets (2 cores, Linux 6.18, November 2026:
// processor time of report with and without a limit, by the events that it did not read). So a
// pair takes about a hundredth of a processor at most, as scans do.
const DefaultDetailLimit = 10_000

const (
	// limitWindow is over what the rate of a pair is taken, a little less than the time between
	// two calls of ReadFolds.
	limitWindow = 900 * time.Millisecond
	// maxLimited and maxWatched bound the pairs that are limited, which take entries of pt_folds,
	// and those whose events are counted to find them.
	maxLimited, maxWatched = 1 << 10, 1 << 12
	// Of high limits every 7th event is counted, which gives a rate to some percent: the look-up
	// takes as long as the rest of reading an event. No traffic has a period of 7.
	manyEvents, manyStride = 1000, 7
	// limitRepeat is how often a limited pair is reported again: a reader of a recording that has
	// lost a part, or begins in the middle, is right again then.
	limitRepeat = 10 * time.Second
)

// limiter finds the pairs of a process and an end (what it connects to, or listens at) that have
// more events than are worth a record each. Of these the kernel only counts all but a sample
// (limited_slot() in bpf/deliver.bpf.h), until they have less than half of that. The decision
// holds from one swap of the maps of counts to the next, about a second.
type limiter struct {
	most     uint64     // events a second and pair that are sent one by one; 0: all
	stride   uint64     // each how many-th event is counted
	began    event.Time // the window
	total    uint64     // events sent in it
	watching bool       // the last window had more than most: some pair may have
	sent     map[bpfFoldKey]uint64

	limited map[bpfFoldKey]*limitedPair
	changes []event.Event // to be reported
	from    event.Time    // since when limited pairs have been counted, up to the last swap
	until   event.Time
}

type limitedPair struct {
	since, reported event.Time
	counted         uint64
}

func newLimiter(most int) limiter {
	l := limiter{most: uint64(most), stride: 1, sent: map[bpfFoldKey]uint64{}, limited: map[bpfFoldKey]*limitedPair{}}
	if most >= manyEvents {
		l.stride = manyStride
	}
	return l
}

// observe takes the record of an event that was sent. Pairs are counted only when there are enough
// events that one of them can have too many.
func (l *limiter) observe(record []byte) {
	l.total++
	if l.most == 0 || l.total <= l.most && !l.watching || l.total%l.stride != 0 {
		return
	}
	key, is := foldKeyOf(record)
	if !is {
		return
	}
	if n := l.sent[key]; n > 0 || len(l.sent) < maxWatched {
		l.sent[key] = n + l.stride
	}
}

// foldKeyOf is fold_key_of() of bpf/deliver.bpf.h, of a connection whose direction is known.
func foldKeyOf(record []byte) (key bpfFoldKey, is bool) {
	at := unsafe.Pointer(unsafe.SliceData(record))
	switch len(record) {
	case connEventSize:
		r := (*bpfConnEvent)(at)
		key = bpfFoldKey{Start: r.Start, Pid: r.Pid, Netns: r.Netns, Direction: r.How & (1<<closedByShift - 1), Proto: unix.IPPROTO_TCP}
		end := event.Endpoint{}
		if mapV4(&end, r.Daddr, r.Dport); event.Direction(key.Direction) == event.In {
			mapV4(&end, r.Saddr, r.Sport)
		}
		key.Addr, key.Port = end.Addr, end.Port
	case sockEventSize:
		r := (*bpfSockEvent)(at)
		key = bpfFoldKey{Start: r.Head.Start, Pid: r.Head.Pid, Netns: r.Netns, Direction: r.Direction, Proto: r.Proto, Addr: r.Daddr, Port: r.Dport}
		if event.Direction(r.Direction) == event.In {
			key.Addr, key.Port = r.Saddr, r.Sport
		}
	}
	return key, event.Direction(key.Direction) != event.Unknown
}

// judge decides which pairs are limited from the next swap on, once a window. It reports whether
// these are others than before.
func (l *limiter) judge(now event.Time) (changed bool) {
	if l.began == 0 {
		l.began = now
	}
	window := now.Sub(l.began)
	if l.most == 0 || window < limitWindow {
		return false
	}
	before := len(l.changes)
	l.release(now)
	l.limit(now, window)
	l.watching = l.total > l.most
	l.began, l.total = now, 0
	clear(l.sent)
	return len(l.changes) != before
}

// release ends the limit of pairs that have less than half of it. One whose first counts are
// still to come stays.
func (l *limiter) release(now event.Time) {
	counted := l.until.Sub(l.from).Seconds()
	for key, pair := range l.limited {
		if pair.since <= l.from && 2*float64(pair.counted) < float64(l.most)*counted {
			delete(l.limited, key)
			l.change(&key, pair, now, now)
		}
		pair.counted = 0
	}
	l.from = l.until
}

func (l *limiter) limit(now event.Time, window time.Duration) {
	for key, n := range l.sent {
		if float64(n) <= float64(l.most)*window.Seconds() || l.limited[key] != nil || len(l.limited) >= maxLimited {
			continue
		}
		pair := &limitedPair{since: now}
		l.limited[key] = pair
		l.change(&key, pair, now, 0)
	}
}

// change notes that a pair is limited, or not any more if until is known.
func (l *limiter) change(key *bpfFoldKey, pair *limitedPair, now, until event.Time) {
	pair.reported = now
	e := event.Event{
		Time: now, Kind: event.DetailLimited, Direction: event.Direction(key.Direction), Proto: event.Proto(key.Proto),
		Netns: key.Netns, Proc: owner(key.Pid, key.Start), Count: l.most, First: pair.since, Last: until,
	}
	end := event.Endpoint{Addr: key.Addr, Port: key.Port}
	if e.Direction == event.In {
		e.Src = end
	} else {
		e.Dst = end
	}
	l.changes = append(l.changes, e)
}

// count takes the events of a limited pair that were only counted.
func (l *limiter) count(key bpfFoldKey, f *event.Fold) {
	if pair := l.limited[key]; pair != nil {
		pair.counted += f.All()
	}
}

// swapped notes until when limited pairs have been counted.
func (l *limiter) swapped(now event.Time) {
	if l.from == 0 {
		l.from = now
	}
	l.until = now
}

// prepare makes the entries of limited pairs in a map of counts that no program uses yet.
func (l *limiter) prepare(m *ebpf.Map) error {
	for key := range l.limited {
		if err := m.Put(&key, &bpfFoldCounts{Limited: 1}); err != nil {
			return err
		}
	}
	return nil
}

// report appends which pairs began or ceased to be limited, after what was counted of them, and
// now and then those that still are.
func (l *limiter) report(dst []event.Event, now event.Time) []event.Event {
	for key, pair := range l.limited {
		if now.Sub(pair.reported) >= limitRepeat {
			l.change(&key, pair, now, 0)
		}
	}
	slices.SortFunc(l.changes, func(a, b event.Event) int { // the maps have no order
		return cmp.Or(cmp.Compare(a.Proc.PID, b.Proc.PID), compareEnds(a.Dst, b.Dst), compareEnds(a.Src, b.Src))
	})
	dst = append(dst, l.changes...)
	l.changes = l.changes[:0]
	return dst
}

func compareEnds(a, b event.Endpoint) int {
	return cmp.Or(bytes.Compare(a.Addr[:], b.Addr[:]), cmp.Compare(a.Port, b.Port))
}

// Limiting reports whether the events of any pair are only counted now.
func (p *Probe) Limiting() bool { return len(p.limiter.limited) > 0 }
