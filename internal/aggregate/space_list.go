package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// spaceList is the fullest port spaces. A client of 100,000 destinations has as many of them, and
// the rows of all would take 100 MB: the others are only counted.
type spaceList struct {
	limit  int             // how many stay
	rows   []*spaceRow     // at most twice the limit
	listed int             // rows so far, kept or not
	least  *spaceRow       // the last of the rows that were kept; nil: there is room for more
	spare  []*spaceRow     // to be used again
	others event.Occupancy // of the rows that were not kept, summed up
}

var compareTaken = func() func(a, b *snapshot.PortSpace) int {
	taken, _ := snapshot.ColumnNamed(snapshot.SpaceColumns(), "taken")
	return taken.Compare
}()

// add adds a row.
func (l *spaceList) add(row *spaceRow) {
	l.listed++
	l.rows = append(l.rows, row)
	if len(l.rows) >= 2*l.limit {
		l.cut()
	}
}

// cut sorts the rows, fullest first, and gives up those beyond the limit.
func (l *spaceList) cut() {
	slices.SortFunc(l.rows, func(a, b *spaceRow) int { return compareTaken(&a.PortSpace, &b.PortSpace) })
	if len(l.rows) < l.limit {
		return
	}
	l.least = l.rows[l.limit-1]
	for _, row := range l.rows[l.limit:] {
		l.others.Add(&row.Occupancy)
	}
	l.spare = append(l.spare, l.rows[l.limit:]...)
	l.rows = l.rows[:l.limit]
}

// newRow returns a row to be set.
func (l *spaceList) newRow() *spaceRow {
	n := len(l.spare)
	if n == 0 {
		return &spaceRow{}
	}
	row := l.spare[n-1]
	l.spare = l.spare[:n-1]
	return row
}

// passes reports whether a connect space comes after all that are kept, in the order of
// compareTaken: it is only counted then, without a row.
func (l *spaceList) passes(id flowID, o *event.Occupancy, flow *flow) bool {
	if l.least == nil || flow != nil && flow.exhausted > 0 || !l.least.HasAllocations() {
		return false
	}
	least := &l.least.PortSpace
	order := cmp.Or(cmp.Compare(o.TakenShare(), least.TakenShare()), cmp.Compare(0, least.ExhaustionRate),
		cmp.Compare(o.InUse(), least.InUse()), compareEnds(&least.Remote, &least.Local, &id.ID))
	if order >= 0 {
		return false
	}
	l.listed++
	l.others.Add(o)
	return true
}

// compareEnds returns less than zero if the ends come before those of the ID.
func compareEnds(remote *event.Endpoint, local *event.Addr, id *portspace.ID) int {
	return cmp.Or(slices.Compare(remote.Addr[:], id.Remote.Addr[:]), cmp.Compare(remote.Port, id.Remote.Port),
		slices.Compare(local[:], id.Local[:]))
}
