package live

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
)

const (
	// finAfter is the time that the peer's FIN gets: a peer that is done sends it in
	// the first round trip.
	finAfter = 100 * time.Millisecond
	// A look-up costs some 3 us, so their rate is bounded: what a storm closes beyond
	// it stays what it was when it closed. A burst may be larger.
	finLookupsPerSecond = 1500
	finLookupsAtOnce    = 1024
	finRefusals         = 4096
)

// finWaits are closes that by the rule left a FIN_WAIT2 bucket: the owner closed, and the
// peer had not yet. The peer's FIN turns that bucket into a TIME_WAIT, and data that it
// sends instead, or a full table, leave none. Nothing traces that, so the close is held
// for a moment and its bucket looked up.
type finWaits struct {
	held   []event.Event
	off    map[uint32]bool // the namespaces in which sock_diag may not be asked
	budget float64         // look-ups that may be made now
	filled event.Time      // when the budget was last filled up
}

func newFinWaits(now event.Time) finWaits {
	return finWaits{off: map[uint32]bool{}, budget: finLookupsAtOnce, filled: now}
}

// hold takes the close out of the stream, if it is one to look up.
func (f *finWaits) hold(e *event.Event) bool {
	if !e.Flags.Has(event.FinWait2) || f.off[e.Netns] || f.budget < 1 {
		return false
	}
	f.budget--
	f.held = append(f.held, *e)
	return true
}

// release appends to dst those that have been held long enough, or all of them.
func (f *finWaits) release(dst []event.Event, spaces *netns.Namespaces, now event.Time, all bool) []event.Event {
	f.budget = min(f.budget+now.Sub(f.filled).Seconds()*finLookupsPerSecond, finLookupsAtOnce)
	f.filled = now
	due := 0
	for due < len(f.held) && (all || now.Sub(f.held[due].Time) >= finAfter) {
		due++
	}
	f.lookUp(spaces, f.held[:due])
	dst = append(dst, f.held[:due]...)
	f.held = append(f.held[:0], f.held[due:]...)
	return dst
}

func (f *finWaits) lookUp(spaces *netns.Namespaces, events []event.Event) {
	byNetns := map[uint32][]*event.Event{}
	for i := range events {
		e := &events[i]
		byNetns[e.Netns] = append(byNetns[e.Netns], e)
	}
	for inode, closes := range byNetns {
		tuples := make([]netns.Tuple, len(closes))
		for i, e := range closes {
			tuples[i] = netns.Tuple{Local: e.Src, Remote: e.Dst}
		}
		buckets, err := spaces.Buckets(inode, tuples)
		if err != nil {
			f.refused(inode, err)
			continue
		}
		for i, e := range closes {
			e.Inferred &^= event.FieldTimeWait // seen
			if buckets[i] != netns.InFinWait2 {
				e.Flags &^= event.FinWait2
			}
			if buckets[i] == netns.InTimeWait {
				e.Flags |= event.TimeWait
			}
		}
	}
}

// refused remembers where asking is forbidden, of as many namespaces as a host has at a time.
func (f *finWaits) refused(inode uint32, err error) {
	if !netns.IsForbidden(err) {
		return
	}
	if len(f.off) >= finRefusals {
		clear(f.off)
	}
	f.off[inode] = true
}
