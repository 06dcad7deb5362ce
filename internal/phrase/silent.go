package phrase

import (
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// unanswered returns the SYNs that were sent again and still have no answer, with the
// destination that most of them go to, in forms; empty without any.
func unanswered(s *snapshot.Snapshot) []string {
	worst, all := silentPeer(s)
	if all <= 0 {
		return nil
	}
	if worst.syns <= 0 {
		return []string{Plural(all, "SYN") + " unanswered"}
	}
	to := Plural(worst.syns, "SYN") + " to " + worst.remote
	if others := all - worst.syns; others > 0 {
		to = Plural(all, "SYN") + " unanswered: " + Count(worst.syns) + " to " + worst.remote
		return []string{to + worst.by + ", " + Count(others) + " to others", to, Plural(all, "SYN") + " unanswered"}
	}
	return []string{to + " sent again, unanswered" + worst.by, to + " unanswered", Plural(all, "SYN") + " unanswered"}
}

// silence is the unanswered SYNs to one destination.
type silence struct {
	syns   int
	remote string
	by     string // the processes that sent them, in parentheses
}

// silentPeer returns the destination with the most unanswered SYNs, and how many there are
// in all. A census knows them by port space alone.
func silentPeer(s *snapshot.Snapshot) (worst silence, all int) {
	if CensusOnly(s) {
		for i := range s.PortSpaces {
			p := &s.PortSpaces[i]
			if p.Kind == snapshot.ConnectSpace {
				all += p.SynSent
				if p.SynSent > worst.syns {
					worst = silence{p.SynSent, Remote(p.Proto, p.Remote), ""}
				}
			}
		}
		return worst, all
	}
	syns, names := map[peer]int{}, map[peer][]string{}
	var most peer
	for i := range s.Processes {
		p := &s.Processes[i]
		for j := range p.Destinations {
			d := &p.Destinations[j]
			if d.SynSent <= 0 {
				continue
			}
			key := peer{d.Netns, d.Proto, d.Remote}
			syns[key] += int(d.SynSent)
			names[key] = append(names[key], ProgramName(&p.Info))
			if syns[key] > syns[most] {
				most = key
			}
		}
	}
	if syns[most] > 0 {
		worst = silence{syns[most], Remote(most.proto, most.remote), " (" + distinct(names[most]) + ")"}
	}
	return worst, max(int(s.Totals.SynSent), syns[most])
}

// peer is a destination in a network namespace.
type peer struct {
	netns  uint32
	proto  event.Proto
	remote event.Endpoint
}

// maxNamed is how many programs a sentence names.
const maxNamed = 2

// distinct returns the first of the names, each once, and how many more there are.
func distinct(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	if more := len(names) - maxNamed; more > 0 {
		return strings.Join(names[:maxNamed], ", ") + " and " + Count(more) + " more"
	}
	return strings.Join(names, ", ")
}
