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
		switch {
		case row.Kind == snapshot.ConnectSpace && (f.op != event.OpConnect || f.target != row.Remote || f.local.Addr != row.Local && !unspecified(f.local.Addr)):
			continue
		case row.Kind == snapshot.BindSpace && (f.op == event.OpConnect || f.target.Addr != row.Local):
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
