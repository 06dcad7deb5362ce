package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/whatif"
)

const (
	// shortestLife is what a connection needs at least: a program cannot be asked to close sooner.
	shortestLife = time.Second
	// fullestShare is what part of the ports can be in use on average: connections come by chance,
	// and some ports must be free.
	fullestShare = 0.9
)

// closesInTime returns how soon each connection must be closed for the ports to suffice at the
// wanted rate; if TIME_WAIT alone takes them, what else it takes.
func (t *trouble) closesInTime(c change, system whatif.System, load whatif.Load) string {
	system, load = c.apply(system, t.closing(load))
	if life := closedWithin(system, load); life > 0 {
		return fmt.Sprintf("survives with %s ports if each connection is closed within %s", phrase.Grouped(system.Ports), phrase.Spelled(life))
	}
	text := fmt.Sprintf("not enough alone: at %s connections/s TIME_WAIT of %s each takes more than the %s ports",
		phrase.Rate(t.use.rate), phrase.Spelled(t.timeWait()), phrase.Grouped(system.Ports))
	if rest := t.closingTakes(system, load); len(rest) > 0 {
		return text + ". With it " + strings.Join(rest, "; or ")
	}
	return text + ", whatever the port range: it takes more remote ends or local addresses as well"
}

// closing returns the load once the program closes its connections: at the rate at which it wants
// them, and not as a burst.
func (t *trouble) closing(load whatif.Load) whatif.Load {
	load.Rate, load.Count = t.use.rate, 0
	if t.Cause == CloseWaitLeak {
		load.ServerCloses = 1 // the peer has closed: no TIME_WAIT is left here
	}
	return load
}

// closingTakes returns what suffices together with closing, each by simulation.
func (t *trouble) closingTakes(system whatif.System, load whatif.Load) (rest []string) {
	if p := t.plan; p.ports.Known() && p.capacityAfter() > system.Ports {
		wider := change{ports: p.capacityAfter()}
		if life := closedWithin(wider.apply(system, load)); life > 0 {
			rest = append(rest, fmt.Sprintf("the port range %d-%d suffices (%s ports), if each connection is closed within %s",
				p.ports.Low, p.ports.High, phrase.Grouped(wider.ports), phrase.Spelled(life)))
		}
	}
	kept := load
	kept.Lifetime, kept.Requests = shortestLife, keptRequests
	if most := whatif.Sustainable(system, kept); most*fairShare > load.Rate {
		rest = append(rest, fmt.Sprintf("keep-alive suffices (sustains %s requests/s), if a connection serves %d requests of at most %s each",
			phrase.Rate(most), keptRequests, phrase.Spelled(shortestLife)))
	}
	return rest
}

// closedWithin returns a mean lifetime with which the load survives, not much below the longest;
// 0: there is none that a program could meet.
func closedWithin(system whatif.System, load whatif.Load) time.Duration {
	wait := system.TimeWait.Seconds() * (1 - load.ServerCloses)
	for _, share := range []float64{fullestShare, 0.8, 0.7, 0.5} {
		life := time.Duration((share*float64(system.Ports)/load.Rate - wait) * float64(time.Second))
		if life < shortestLife {
			return 0
		}
		load.Lifetime = life
		if r := simulateLong(system, load); r.Survives {
			return life
		}
	}
	return 0
}

// simulateLong simulates until the ports are as full as they get.
func simulateLong(system whatif.System, load whatif.Load) whatif.Result {
	most := time.Duration(mostSimulated / load.Rate * float64(time.Second))
	load.Duration = min(whatif.DefaultDuration(system, load), max(most, leastRounds*(load.Lifetime+system.TimeWait)))
	return whatif.Simulate(system, load)
}
