package probe

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// DefaultDetailLimit is the limit of every command. An event that is read takes 0.4 us of user space
// in a storm of resets and 1.3 us in one that leaves buckets (2 cores, Linux 6.18, November 2026:
// processor time of report with and without a limit, by the events that it did not read). So events
// take about a hundredth of a processor at most, as scans do.
const DefaultDetailLimit = 10_000

const (
	// limitWindow is over what rates are taken, a little less than the time between two calls of
	// ReadFolds.
	limitWindow = 900 * time.Millisecond
	// maxLimited is how many pairs can be limited, MAX_LIMITED of bpf/maps.bpf.h: as many destinations
	// as a busy proxy has, both ends of each. maxWatched bounds the pairs whose events are counted to
	// find them.
	maxLimited, maxWatched = 1 << 12, 1 << 13
	// Of high limits every 5th event is counted, which gives a rate to some percent: the look-up
	// takes as long as the rest of reading an event. Connections have up to four events, so that a
	// period of 5 is rare.
	manyEvents, manyStride = 1000, 5
	// leastCounted is how often a pair must have been counted: of one that was counted once or twice
	// the rate is not known.
	leastCounted = 3
	// limitRepeat is how often a limited pair is reported again: a reader of a recording that has
	// lost a part, or begins in the middle, is right again then.
	limitRepeat = 10 * time.Second
)

// limiter keeps the events that are sent one by one below a rate. If more come, the pairs of a process
// and an end (what it connects to, or listens at) that have the most are limited: the kernel only
// counts their connections, but for a sample (bpf/limit.bpf.h). Connections that a pair has already
// are still sent. Rates are judged once a second, and as soon as a window has as many events as a
// second may have.
type limiter struct {
	most   uint64 // events a second that are sent one by one; 0: all
	stride uint64 // each how many-th event is counted

	began    event.Time // the window
	total    uint64     // events sent in it
	counting uint64     // of these, since they have been counted by pair
	watching bool       // the last window had many: this one is counted from the beginning
	hurried  bool       // pairs were limited before the end of it
	readAt   event.Time // when events were read last
	pace     float64    // how many a second came by then, since the time before
	burst    uint64     // events that were read since they have been counted by pair
	burstAt  event.Time // since when these came
	sent     map[bpfFoldKey]uint64

	limited map[bpfFoldKey]*limitedPair
	numbers []uint32   // by slot: the number that it has had last
	free    []uint32   // slots
	read    event.Time // when what was counted was read last
}

// limitedPair is a pair that is limited, or was until its counts are read the next time.
type limitedPair struct {
	key             bpfFoldKey
	number          uint32 // in the maps
	since, reported event.Time
	until           event.Time // 0: it is limited
	read            bpfFoldCounts
	counted         uint64  // events, in the window
	rate            float64 // events a second, in the last window
}

func (p *limitedPair) slot() uint32 { return p.number % maxLimited }

// newLimiter returns a limiter that can limit as many pairs as the maps have slots.
func newLimiter(most, slots int) limiter {
	l := limiter{most: uint64(most), stride: 1, sent: map[bpfFoldKey]uint64{}, limited: map[bpfFoldKey]*limitedPair{}}
	if most >= manyEvents {
		l.stride = manyStride
	}
	for slot := range uint32(slots) {
		l.numbers = append(l.numbers, slot)
		l.free = append(l.free, uint32(slots)-1-slot) // the first ones are taken first
	}
	return l
}

// observe takes the record of an event that was sent. Pairs are counted only when there are enough
// events that there can be too many.
func (l *limiter) observe(record []byte) {
	l.total++
	if l.most == 0 || l.total <= l.most/4 && !l.watching {
		return
	}
	if l.counting++; l.counting%l.stride != 0 {
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

// foldKeyOf returns what limited_pair() of bpf/limit.bpf.h looks up, of a connection whose direction is
// known.
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

// paced takes how many events were read now.
func (l *limiter) paced(events int, now event.Time) {
	l.pace = 0
	if elapsed := now.Sub(l.readAt); l.readAt != 0 && elapsed > 0 {
		l.pace = float64(events) / elapsed.Seconds()
	}
	if l.counting > 0 {
		l.burst += uint64(events)
		l.burstAt = cmp.Or(l.burstAt, l.readAt)
	}
	l.readAt = now
}

// due returns how long it takes until hurry has pairs to limit, at the pace of the last read: forever
// if it has none in this window.
func (l *limiter) due() time.Duration {
	most := max(l.most, manyEvents)
	if l.most == 0 || l.hurried || l.total >= most || float64(most-l.total) > l.pace*limitWindow.Seconds() {
		return math.MaxInt64
	}
	return time.Duration(float64(most-l.total) / l.pace * float64(time.Second))
}

// hurry limits pairs before the window ends, if it has too many events already. It returns those that
// are limited from now on.
func (l *limiter) hurry(now event.Time) []*limitedPair {
	if l.most == 0 || l.hurried || l.total < max(l.most, manyEvents) || l.began == 0 || now <= l.began {
		return nil
	}
	l.hurried = true
	// By the rate of the storm alone: it has hardly begun with the window.
	begun, _ := l.limit(now, max(rateOf(l.total, l.began, now), rateOf(l.burst, max(l.burstAt, l.began), now)))
	return begun
}

// judge decides once a window which pairs are limited from now on, and which are not any more. It is
// called after what was counted has been read.
func (l *limiter) judge(now event.Time) (begun, ended []*limitedPair) {
	if l.began == 0 {
		l.began = now
	}
	if l.most == 0 || now.Sub(l.began) < limitWindow {
		return nil, nil
	}
	begun, rest := l.limit(now, rateOf(l.total, l.began, now))
	if len(begun) == 0 {
		ended = l.release(now, rest)
	}
	for _, pair := range l.limited {
		pair.counted = 0
	}
	l.watching = 2*l.total > l.most
	l.began, l.total, l.counting, l.hurried = now, 0, 0, false
	l.burst, l.burstAt = 0, 0
	clear(l.sent)
	return begun, ended
}

// limit limits the pairs with the most events, until the others have three quarters of what they may:
// so it does not change each second. rest is how many events a second all have. It returns the pairs that
// are limited from now on, and how many events a second the others have.
func (l *limiter) limit(now event.Time, rest float64) ([]*limitedPair, float64) {
	var begun []*limitedPair
	perCounted := rest / float64(max(l.counting, 1))
	var candidates []*limitedPair
	for key, n := range l.sent {
		rate := float64(n) * perCounted
		switch {
		case l.limited[key] != nil: // these were sent before it was, or are of the sample
			rest -= rate
		case n >= leastCounted*l.stride:
			candidates = append(candidates, &limitedPair{key: key, since: now, rate: rate})
		}
	}
	if rest <= float64(l.most) {
		return nil, rest
	}
	slices.SortFunc(candidates, func(a, b *limitedPair) int { return cmp.Or(cmp.Compare(b.rate, a.rate), comparePairs(a, b)) })
	for _, pair := range candidates {
		if 4*rest <= 3*float64(l.most) || len(l.free) == 0 {
			break
		}
		l.begin(pair)
		begun = append(begun, pair)
		rest -= pair.rate
	}
	return begun, rest
}

// rateOf returns how many events a second came since then, 0 if no time has passed.
func rateOf(events uint64, since, now event.Time) float64 {
	if now <= since {
		return 0
	}
	return float64(events) / now.Sub(since).Seconds()
}

// begin gives the pair the number after the last one of a free slot.
func (l *limiter) begin(pair *limitedPair) {
	slot := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	l.numbers[slot] += maxLimited
	pair.number = l.numbers[slot]
	l.limited[pair.key] = pair
}

// release ends the limit of the pairs with the fewest events, as long as there is room for them in half
// of what may be sent. One that was limited within the window stays.
func (l *limiter) release(now event.Time, rest float64) (ended []*limitedPair) {
	var pairs []*limitedPair
	for _, pair := range l.pairs() {
		if pair.since <= l.began && pair.until == 0 {
			pair.rate = float64(pair.counted) / now.Sub(l.began).Seconds()
			pairs = append(pairs, pair)
		}
	}
	slices.SortStableFunc(pairs, func(a, b *limitedPair) int { return cmp.Compare(a.rate, b.rate) })
	for _, pair := range pairs {
		if rest += pair.rate; 2*rest > float64(l.most) {
			break
		}
		pair.until = now
		ended = append(ended, pair)
	}
	return ended
}

// pairs returns those that are limited, and those that were and whose counts are to be read once more.
func (l *limiter) pairs() []*limitedPair {
	list := make([]*limitedPair, 0, len(l.limited))
	for _, pair := range l.limited {
		list = append(list, pair)
	}
	slices.SortFunc(list, comparePairs) // the map has no order
	return list
}

func comparePairs(a, b *limitedPair) int {
	return cmp.Or(cmp.Compare(a.key.Pid, b.key.Pid), cmp.Compare(a.key.Netns, b.key.Netns), cmp.Compare(a.key.Direction, b.key.Direction),
		bytes.Compare(a.key.Addr[:], b.key.Addr[:]), cmp.Compare(a.key.Port, b.key.Port), cmp.Compare(a.key.Start, b.key.Start))
}

// active returns how many pairs are limited.
func (l *limiter) active() (n int) {
	for _, pair := range l.limited {
		if pair.until == 0 {
			n++
		}
	}
	return n
}

// appendBegun appends which pairs have begun to be limited, and now and then those that still are.
func (l *limiter) appendBegun(dst []event.Event, now event.Time) []event.Event {
	for _, pair := range l.pairs() {
		switch {
		case pair.reported == 0:
			dst = append(dst, l.change(pair, pair.since, 0))
		case pair.until == 0 && now.Sub(pair.reported) >= limitRepeat:
			dst = append(dst, l.change(pair, now, 0))
		default:
			continue
		}
		pair.reported = now
	}
	return dst
}

// appendRead appends what was counted of each pair since it was read last, and which are not limited
// any more: these are forgotten. counts are those of all slots that are in use.
func (l *limiter) appendRead(dst []event.Event, counts []bpfFoldCounts, now event.Time) []event.Event {
	for _, pair := range l.pairs() {
		counted := counts[pair.slot()]
		delta := counted.minus(&pair.read)
		pair.read = counted
		delta.First = uint64(max(l.read, pair.since))
		e := foldEvent(&pair.key, &delta)
		if fold := e.Fact.(*event.Fold); *fold != (event.Fold{}) {
			pair.counted += fold.All()
			dst = append(dst, e)
		}
		if pair.until != 0 {
			dst = append(dst, l.change(pair, now, pair.until))
			delete(l.limited, pair.key)
			l.free = append(l.free, pair.slot())
		}
	}
	l.read = now
	return dst
}

// change returns that a pair is limited, or not any more if until is known.
func (l *limiter) change(pair *limitedPair, at, until event.Time) event.Event {
	e := event.Event{
		Time: at, Kind: event.DetailLimited, Direction: event.Direction(pair.key.Direction), Proto: event.Proto(pair.key.Proto),
		Netns: pair.key.Netns, Proc: owner(pair.key.Pid, pair.key.Start), Count: l.most, First: pair.since, Last: until,
	}
	end := event.Endpoint{Addr: pair.key.Addr, Port: pair.key.Port}
	if e.Direction == event.In {
		e.Src = end
	} else {
		e.Dst = end
	}
	return e
}
