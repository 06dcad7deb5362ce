package doctor

import (
	"fmt"
	"math"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// pool returns how many connections the program needs at a time towards the remote end. A knob
// that a program has for all of its remote ends gets the largest of them: one value for all
// findings.
func (t *trouble) pool() int { return poolSize(t.openAtATime()) }

// openAtATime returns how many connections are open at a time; 0: none has ended, so it is not
// known for how long one is needed.
func (t *trouble) openAtATime() float64 {
	all := t.plan.concurrency(t.snap)
	remote := t.remote()
	most := all.towards[remote]
	if t.recipe.perProcess || !remote.Known() {
		most = most.or(all.of[t.proc.ID])
	}
	if t.Cause == Leak || t.Cause == CloseWaitLeak {
		return most.used
	}
	return most.open
}

// atATime is how many connections are open at a time, and how many of them are in use at least: all,
// unless they leak.
type atATime struct{ open, used float64 }

func (a atATime) or(b atATime) atATime { return atATime{max(a.open, b.open), max(a.used, b.used)} }

// concurrency is the most that is open at a time from a port space of a namespace.
type concurrency struct {
	made    bool
	towards map[event.Endpoint]atATime
	of      map[event.ProcID]atATime // that connects to its destination
}

// concurrency returns it for all port spaces: a host in trouble has hundreds of findings.
func (p *plan) concurrency(s *snapshot.Snapshot) *concurrency {
	c := p.atATime
	if c.made {
		return c
	}
	*c = concurrency{true, map[event.Endpoint]atATime{}, map[event.ProcID]atATime{}}
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		if space.Netns != p.Inode || space.NetnsGone || space.Kind != snapshot.ConnectSpace {
			continue
		}
		u := p.usageOf(s, space)
		n := atATime{open: u.concurrency()}
		u.full = true // those that are open are not in use
		n.used = u.concurrency()
		c.towards[space.Remote] = c.towards[space.Remote].or(n)
		if sum := p.pairs[pairEnd{space.Netns, space.Remote}]; sum != nil {
			for _, proc := range sum.procs {
				c.of[proc] = c.of[proc].or(n)
			}
		}
	}
	return c
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
