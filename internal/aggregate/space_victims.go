package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// victims returns the processes whose calls found no port there.
func (b *spaceRows) victims(row *spaceRow) []snapshot.Victim {
	if row.Exhausted == 0 {
		return nil
	}
	byProc := map[event.ProcID]*snapshot.Victim{}
	for _, f := range b.failures.byKey {
		if f.reason != event.RangeExhausted || f.netns != row.Netns || f.proto != row.Proto {
			continue
		}
		if !row.isTarget(f.op, f.target, f.local.Addr) {
			continue
		}
		v := byProc[f.proc]
		if v == nil {
			v = &snapshot.Victim{Proc: *f.info}
			byProc[f.proc] = v
		}
		v.Failures += f.count
		if last := b.world.Clock.WallTime(f.last); last.After(v.Last) {
			v.Last = last
		}
	}
	var list []snapshot.Victim
	for _, v := range byProc {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b snapshot.Victim) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), compareProc(a.Proc.ID, b.Proc.ID))
	})
	return list[:min(len(list), maxHolders)]
}

// isTarget reports whether a call that found no port would have had one of this space. A local
// address that is not known can be that of the space.
func (r *spaceRow) isTarget(op event.Op, target event.Endpoint, local event.Addr) bool {
	if r.Kind == snapshot.BindSpace {
		return op != event.OpConnect && target.Addr == r.Local
	}
	return op == event.OpConnect && target == r.Remote && (local == r.Local || unspecified(local))
}

// victimPrograms returns the same by program, of all processes.
func (b *spaceRows) victimPrograms(row *spaceRow) []snapshot.ProgramVictim {
	if row.Exhausted == 0 {
		return nil
	}
	byProgram := map[snapshot.ProgramKey][]*programFailure{}
	for key, f := range b.failures.programs.byKey {
		if f.reason == event.RangeExhausted && f.netns == row.Netns && f.proto == row.Proto && row.isTarget(f.op, f.target, f.local) {
			byProgram[key.ProgramKey] = append(byProgram[key.ProgramKey], f)
		}
	}
	var list []snapshot.ProgramVictim
	for _, alike := range byProgram {
		sum := sumOfPrograms(alike).row(b.State)
		list = append(list, snapshot.ProgramVictim{
			Victim:  snapshot.Victim{Proc: sum.Proc, Failures: sum.Count, Last: sum.Last},
			Program: sum.Program, Rate: sum.Rate, First: sum.First,
		})
	}
	snapshot.SortVictims(list)
	return list[:min(len(list), maxHolders)]
}
