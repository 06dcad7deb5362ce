package doctor

import (
	"fmt"
	"math"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// pool returns how many connections the program needs at a time towards the remote end. A knob
// that a program has for all of its remote ends gets the largest of them: one value for all
// findings.
func (t *trouble) pool() int { return poolSize(t.openAtATime()) }

// openAtATime returns how many connections are open at a time; 0: none has ended, so it is not
// known for how long one is needed.
func (t *trouble) openAtATime() (open float64) {
	remote := t.remote()
	perProgram := t.recipe.perProcess || !remote.Known()
	for i := range t.snap.PortSpaces {
		space := &t.snap.PortSpaces[i]
		if space.Netns != t.plan.Inode || space.NetnsGone || space.Kind != snapshot.ConnectSpace {
			continue
		}
		p := t.plan.pairs[pairEnd{space.Netns, space.Remote}]
		if space.Remote == remote || perProgram && p != nil && p.procs[t.proc.ID] {
			u := t.plan.usageOf(t.snap, space)
			if t.Cause == Leak || t.Cause == CloseWaitLeak {
				u.full = true // those that are open are not in use
			}
			open = max(open, u.concurrency())
		}
	}
	return open
}

// sized returns the size of a pool, and what it follows from.
func (t *trouble) sized(n int) string { return fmt.Sprintf("%d (%s)", n, t.sizedBy()) }

// sizedBy says what was measured for the size of the pool. poolSize has a least value, which was
// not.
func (t *trouble) sizedBy() string {
	switch open := t.openAtATime(); {
	case open <= 0:
		return "to begin with: how many are needed at a time was not measured"
	case open < 1:
		return "the least that is sensible: on average fewer than 1 is in use at a time"
	default:
		return fmt.Sprintf("on average %.0f are in use at a time", math.Ceil(open))
	}
}
