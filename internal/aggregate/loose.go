package aggregate

import (
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// loose is what events have shown of connections that the table of sockets does not follow:
// events that the kernel counted and did not deliver one by one, and sockets beyond the
// table's limit. Row gauges (live, SYN_SENT, CLOSE_WAIT) are the table's sockets and these.
//
// The next scan of a namespace finds what is there, so that these are void then: whatever was
// missed, a gauge is right after the scan. That is not so if something was only counted
// while the scan was running: whether that was before the scan came by is not known. Then all
// stays as it was counted until a scan finds the namespace quiet.
type loose map[uint32]*looseNetns

type looseNetns struct {
	rows map[rowSet]gauges
	room int    // with more of them they are merged
	last rowSet // that of the event before, mostly that of the next, and
	held gauges // its gauges, which come to rows later: most are zero again with the next event
	// When something was last only counted, of what the filter leaves out and of what it
	// selects: rows have the sockets of one of them.
	folded [2]event.Time
}

// foldWindow is how long a scan may take, with what waits for its end, if its beginning is not
// known.
const foldWindow = 2 * time.Second

// began returns since when what is only counted may not be in a scan.
func began(census *event.Census, ended event.Time) event.Time {
	if census.Began != 0 {
		return census.Began
	}
	return ended.Add(-foldWindow)
}

// of returns the entry of a namespace.
func (l loose) of(netns uint32) *looseNetns {
	n := l[netns]
	if n == nil {
		n = &looseNetns{rows: map[rowSet]gauges{}, room: leastRowSets}
		l[netns] = n
	}
	return n
}

// busy reports whether something was only counted since a scan began.
func (n *looseNetns) busy(selected bool, began event.Time) bool {
	folded := n.folded[index(selected)]
	return folded != 0 && folded >= began
}

func index(selected bool) int {
	if selected {
		return 1
	}
	return 0
}

// add moves the gauges of the rows.
func (l loose) add(h *rowSet, move gauges) {
	if move == (gauges{}) {
		return
	}
	h.move(move)
	n := l.of(h.netns)
	if n.last != *h {
		n.keep()
		n.last, n.held = *h, n.rows[*h]
	}
	n.held = n.held.plus(move)
}

// keep brings rows up to date.
func (n *looseNetns) keep() {
	if n.held == (gauges{}) { // as of nearly all that ends
		delete(n.rows, n.last)
	} else {
		n.rows[n.last] = n.held
	}
	n.last, n.held = rowSet{}, gauges{}
	if len(n.rows) > n.room {
		n.merge()
	}
}

// merge sums up what counts for the same rows by now: of a storm to 100,000 destinations, most are
// evicted before a scan finds the namespace quiet.
func (n *looseNetns) merge() {
	merged := map[rowSet]gauges{}
	for h, g := range n.rows {
		h = h.current()
		if g = merged[h].plus(g); g == (gauges{}) {
			delete(merged, h)
		} else {
			merged[h] = g
		}
	}
	n.rows, n.room = merged, max(leastRowSets, 2*len(merged))
}

// fold does the same for what was only counted.
func (l loose) fold(h *rowSet, move gauges, last event.Time) {
	l.add(h, move)
	folded := &l.of(h.netns).folded[index(h.total != nil)]
	*folded = max(*folded, last)
}

// scanned voids what was counted in a namespace before a scan began, if nothing was since.
func (l loose) scanned(netns uint32, began event.Time) {
	n := l[netns]
	if n == nil {
		return
	}
	n.keep()
	for h, g := range n.rows {
		if !n.busy(h.total != nil, began) {
			h.move(gauges{}.minus(g))
			delete(n.rows, h)
		}
	}
	if len(n.rows) == 0 && !n.busy(true, began) && !n.busy(false, began) {
		delete(l, netns)
	}
}

// forget voids all that was counted in a namespace.
func (l loose) forget(netns uint32) { l.scanned(netns, math.MaxInt64) }

// move moves the gauges of the rows.
func (h *rowSet) move(g gauges) {
	for _, r := range h.rows() {
		if r != nil {
			r.looseLive += g.live
			r.SynSent += g.synSent
			r.CloseWait += g.closeWait
		}
	}
}
