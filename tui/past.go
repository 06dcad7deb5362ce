package tui

import (
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// moment is a snapshot and what is wrong in it.
type moment struct {
	snapshot *snapshot.Snapshot
	judged
}

// past keeps the last minutes of a live screen, so that one can go back while they go on.
type past struct {
	moments []moment // oldest first
	bytes   int      // that their snapshots take
}

const (
	pastEvery = 2 * time.Second
	pastFor   = 5 * time.Minute
	// pastBytes bounds the memory. All moments of a calm host have room in it, of one with a thousand
	// destinations a few.
	pastBytes = 3 << 20
)

// keep adds a moment, unless the newest is not older than pastEvery. It forgets those that are too
// old, and others if they take too much memory: what is left then is the denser, the newer it is.
func (p *past) keep(m moment) {
	if n := len(p.moments); n > 0 && m.snapshot.At.Sub(p.moments[n-1].snapshot.At) < pastEvery {
		return
	}
	p.moments = append(p.moments, m)
	p.bytes += m.snapshot.Bytes()
	for len(p.moments) > 1 && m.snapshot.At.Sub(p.moments[0].snapshot.At) > pastFor {
		p.forget(0)
	}
	for len(p.moments) > 1 && p.bytes > pastBytes {
		p.forget(p.leastMissed())
	}
}

func (p *past) forget(i int) {
	p.bytes -= p.moments[i].snapshot.Bytes()
	p.moments = slices.Delete(p.moments, i, i+1)
}

// leastMissed returns the moment without which the gap is the smallest part of its age. The oldest
// goes only if there is none between it and the newest.
func (p *past) leastMissed() int {
	at := func(i int) event.Time { return p.moments[i].snapshot.At }
	least, index := math.Inf(1), 0
	for i := 1; i < len(p.moments)-1; i++ {
		gap, age := at(i+1).Sub(at(i-1)), at(len(p.moments)-1).Sub(at(i))
		if part := gap.Seconds() / age.Seconds(); part < least {
			least, index = part, i
		}
	}
	return index
}

// from returns the moment that is steps after the one of the snapshot, or before it if steps is
// negative; the oldest, or nil if that would be newer than all.
func (p *past) from(s *snapshot.Snapshot, steps int) *moment {
	at := 0
	for at < len(p.moments) && p.moments[at].snapshot.At < s.At {
		at++
	}
	if at += steps; at >= len(p.moments) {
		return nil
	}
	return &p.moments[max(at, 0)]
}

// goBack shows a moment before or after the one on the screen. After the last one it goes on.
func (m *Model) goBack(steps int) {
	if m.shown == nil || len(m.past.moments) == 0 {
		return
	}
	if steps > 0 && !m.paused {
		m.say(quiet, "this is now; [ goes back")
		return
	}
	to := m.past.from(m.shown, steps)
	if to == nil {
		m.paused = false
		m.showLatest()
		return
	}
	if steps < 0 && to.snapshot.At >= m.shown.At { // of those before it none is left
		m.say(quiet, "older moments are not kept; record them with R or porttrace record")
		return
	}
	m.paused = true
	m.shown, m.judged = to.snapshot, to.judged
	m.refresh()
}
