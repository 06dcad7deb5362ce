package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxDamage is how many damaged parts are incidents.
const maxDamage = 100

// incidents collects what happens in a recording. They begin and end when the player shows it:
// at the end of the batch that had it.
type incidents struct {
	failing  spells[failing]
	full     spells[snapshot.SpaceID]
	damage   []playback.Incident
	findings findings
}

func newIncidents(begin, end event.Time, apart time.Duration) *incidents {
	return &incidents{
		failing: newSpells[failing](apart), full: newSpells[snapshot.SpaceID](apart), findings: newFindings(begin, end),
	}
}

// failing is a program whose calls fail in one way.
type failing struct {
	comm   string
	proc   event.ProcID // of a program without a name; else zero
	proto  event.Proto
	op     event.Op
	errno  event.Errno
	reason event.Reason
}

// addFailure takes a call that failed, and that the player shows at a moment.
func (n *incidents) addFailure(e *event.Event, p *event.Process, now event.Time) {
	key := failing{comm: p.Program(), proto: e.Proto, op: e.Op, errno: e.Errno, reason: e.Reason}
	if key.comm == "" {
		key.proc = e.Proc
	}
	target := e.Dst
	if e.Kind == event.BindFail {
		target = e.Src
	}
	one := n.failing.at(key, now)
	if one.weight == 0 {
		one.target = target
	}
	one.several = one.several || one.target != target
	one.weight += max(e.Count, 1)
	one.inferred |= e.Inferred
}

// addFull notes that a port space has no port left.
func (n *incidents) addFull(id snapshot.SpaceID, o *event.Occupancy, now event.Time) {
	n.full.at(id, now).weight = uint64(o.Capacity)
}

func (n *incidents) addGap(g *event.Gap) {
	if g.Truncated || len(n.damage) >= maxDamage {
		return
	}
	n.damage = append(n.damage, playback.Incident{
		Kind: playback.Damage, Begin: g.Begin, End: max(g.Begin, g.End), Text: phrase.DamageIncident(g),
	})
}

// list returns them by their beginnings.
func (n *incidents) list() []playback.Incident {
	list := append(n.findings.list(), n.damage...)
	for _, s := range n.failing.all() {
		k := &s.key
		list = append(list, playback.Incident{
			Kind: playback.Failing, Begin: s.begin, End: s.last, Text: phrase.FailingIncident(&snapshot.Failure{
				Proc: event.Process{ID: k.proc, Comm: k.comm}, Proto: k.proto, Op: k.op, Errno: k.errno, Reason: k.reason,
				Inferred: s.inferred, Target: s.target, Count: s.weight,
			}, s.several),
		})
	}
	for _, s := range n.full.all() {
		list = append(list, playback.Incident{
			Kind: playback.Full, Begin: s.begin, End: s.last, Text: phrase.FullIncident(s.key, int(s.weight)), Space: s.key,
		})
	}
	slices.SortStableFunc(list, func(a, b playback.Incident) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Text, b.Text))
	})
	return list[:min(len(list), playback.MaxIncidents)]
}
