package live

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
)

const (
	// finAfter is the time that the peer's FIN gets: a peer that is done sends it in
	// the first round trip.
	finAfter = 100 * time.Millisecond
	// Looking up a bucket costs some 3 us, so the rate is bounded: closes of a storm beyond it
	// stay as they were reported. A burst may be larger.
	finLookupsPerSecond = 1500
	finLookupsAtOnce    = 1024
	maxForbidden        = 4096
)

// finWaits are closes that by the rule left a FIN_WAIT2 bucket: the owner closed, and the
// peer had not yet. The peer's FIN turns that bucket into a TIME_WAIT, and data that it
// sends instead, or a full table, leave none. No event reports that, so the close is held
// for a moment and its bucket looked up.
type finWaits struct {
	lookUp    func(netns uint32, tuples []netns.Tuple) ([]netns.Bucket, error)
	held      []event.Event
	forbidden map[uint32]bool // namespaces in which sock_diag may not be asked
	budget    float64         // look-ups that may be made now
	filled    event.Time      // when the budget was last filled up
}

func newFinWaits(lookUp func(uint32, []netns.Tuple) ([]netns.Bucket, error), now event.Time) *finWaits {
	return &finWaits{lookUp: lookUp, forbidden: map[uint32]bool{}, budget: finLookupsAtOnce, filled: now}
}

// hold takes the close out of the stream if its bucket must be looked up, and with it the calls
// that fail because of that bucket: a server that is started again at once.
func (f *finWaits) hold(e *event.Event) bool {
	if f.isBehind(e) {
		f.held = append(f.held, *e)
		return true
	}
	if !e.Flags.Has(event.FinWait2) || f.forbidden[e.Netns] || f.budget < 1 {
		return false
	}
	f.budget--
	f.held = append(f.held, *e)
	return true
}

// isBehind reports whether a call failed because a port was taken whose close is held: what
// comes first must be in the stream first, or the failure names no holder.
func (f *finWaits) isBehind(e *event.Event) bool {
	if e.Reason != event.PortTaken && e.Reason != event.TupleTaken {
		return false
	}
	return slices.ContainsFunc(f.held, func(held event.Event) bool {
		return held.Kind == event.Close && held.Netns == e.Netns && held.Proto == e.Proto && held.Src.Port == e.Src.Port
	})
}

// release appends to dst those that have been held long enough, or all of them.
func (f *finWaits) release(dst []event.Event, now event.Time, all bool) []event.Event {
	f.budget = min(f.budget+now.Sub(f.filled).Seconds()*finLookupsPerSecond, finLookupsAtOnce)
	f.filled = now
	due := 0
	for due < len(f.held) && (all || now.Sub(f.held[due].Time) >= finAfter) {
		due++
	}
	f.lookUpAll(f.held[:due])
	dst = append(dst, f.held[:due]...)
	f.held = append(f.held[:0], f.held[due:]...)
	return dst
}

func (f *finWaits) lookUpAll(held []event.Event) {
	byNetns := map[uint32][]*event.Event{}
	for i := range held {
		if e := &held[i]; e.Kind == event.Close {
			byNetns[e.Netns] = append(byNetns[e.Netns], e)
		}
	}
	for inode, list := range byNetns {
		tuples := make([]netns.Tuple, len(list))
		for i, e := range list {
			tuples[i] = netns.Tuple{Local: e.Src, Remote: e.Dst}
		}
		buckets, err := f.lookUp(inode, tuples)
		if err != nil {
			f.noteError(inode, err)
			continue
		}
		for i, e := range list {
			setBucket(e, buckets[i])
		}
	}
}

// setBucket notes which bucket a close has left, as it was seen.
func setBucket(e *event.Event, bucket netns.Bucket) {
	e.Inferred &^= event.FieldTimeWait
	if bucket != netns.InFinWait2 {
		e.Flags &^= event.FinWait2
	}
	if bucket == netns.InTimeWait {
		e.Flags |= event.TimeWait
	}
}

// noteError remembers in which namespaces asking is forbidden, of as many as a host has at a
// time.
func (f *finWaits) noteError(inode uint32, err error) {
	if !netns.IsForbidden(err) {
		return
	}
	if len(f.forbidden) >= maxForbidden {
		clear(f.forbidden)
	}
	f.forbidden[inode] = true
}
