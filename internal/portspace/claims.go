package portspace

import "github.com/porttrace/porttrace/internal/event"

// claims are whose the connections may be that a scan finds without a process: buckets have none,
// and the closes that would say whose they are were only counted. By destination, of the time
// since the scan before.
type claims map[event.Endpoint][]claim

// claim is what a process did towards a destination.
type claim struct {
	proc    event.ProcID
	flags   event.Flags // of keptFlags: whether the filter selects it
	closed  uint64      // that left a bucket
	granted uint64
}

const (
	maxClaimed   = 1 << 12 // destinations of a namespace
	maxClaimants = 8       // of a destination
)

// claim notes connections that were only counted.
func (t *Table) claim(e *event.Event, f *event.Fold) {
	if e.Direction != event.Out || !e.Proc.Known() || !e.Dst.Known() || f.TimeWaitOut == 0 {
		return
	}
	n := t.Netns(e.Netns)
	list := n.claims[e.Dst]
	for i := range list {
		if list[i].proc == e.Proc {
			list[i].closed += f.TimeWaitOut
			return
		}
	}
	if list == nil && len(n.claims) >= maxClaimed || len(list) >= maxClaimants {
		return
	}
	if n.claims == nil {
		n.claims = claims{}
	}
	n.claims[e.Dst] = append(list, claim{proc: e.Proc, flags: e.Flags & event.NotSelected, closed: f.TimeWaitOut})
}

// scanned begins with new claims: a scan has found the buckets. What was closed while it was
// running is found by the next one, so those of the time before are kept for that long.
func (n *Netns) scanned() { n.claimsBefore, n.claims = n.claims, nil }

// grant gives a bucket that a scan has found to one of the processes that claim some: each gets
// its share.
func (n *Netns) grant(e *event.Event) {
	list := n.claims[e.Dst]
	if list == nil {
		list = n.claimsBefore[e.Dst]
	}
	if list == nil {
		return
	}
	best := &list[0]
	for i := range list {
		// Whose share would be filled least: a/b < c/d.
		if c := &list[i]; (c.granted+1)*best.closed < (best.granted+1)*c.closed {
			best = c
		}
	}
	best.granted++
	e.Proc, e.Inferred = best.proc, e.Inferred|event.FieldPID
	e.Flags = e.Flags&^event.NotSelected | best.flags
}
