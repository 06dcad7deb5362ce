package snapshot

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Grouping is what the processes of a group have in common.
type Grouping string

const (
	ByProcess    Grouping = "process" // no groups
	ByExecutable Grouping = "executable"
	ByContainer  Grouping = "container"
	ByUnit       Grouping = "unit"
)

// Groupings returns all of them, each usually wider than the one before.
func Groupings() []Grouping { return []Grouping{ByProcess, ByExecutable, ByContainer, ByUnit} }

// ProcessGroup is one row: the sum of the processes of an executable, container or unit,
// for example of a shell loop that runs curl 10,000 times.
type ProcessGroup struct {
	GroupKey
	// Totals are the sums. The lifetimes are quantiles of the members' quantiles, weighted
	// by their closed connections: exact for one member, and for members of one connection
	// each; otherwise an estimate.
	Totals
	Rates        Rates
	History      []Point
	First, Last  time.Time
	Destinations []Pair // of all members, most opens first, without a process, bounded
	Members      []*Process
}

// GroupKey identifies a group.
type GroupKey struct {
	// Name is the executable, the id of the container or the unit; empty for processes in
	// none.
	Name string
	// Unknown is true for the sockets without a known owner.
	Unknown bool
}

// maxGroupDestinations bounds a row, as for a process.
const maxGroupDestinations = 50

// GroupProcesses returns the groups of the rows, most opens first, none for ByProcess.
func GroupProcesses(rows []Process, by Grouping) []ProcessGroup {
	if by == ByProcess {
		return nil
	}
	index := map[GroupKey]int{}
	var groups []ProcessGroup
	for i := range rows {
		key := groupOf(&rows[i].Info, by)
		at, ok := index[key]
		if !ok {
			at = len(groups)
			index[key] = at
			groups = append(groups, ProcessGroup{GroupKey: key})
		}
		groups[at].Members = append(groups[at].Members, &rows[i])
	}
	for i := range groups {
		groups[i].sum()
	}
	byOpens, _ := ColumnNamed(GroupColumns(), "opens")
	return Sort(groups, byOpens, false)
}

// groupOf returns the group of a process. An unknown executable has the name of the
// process in brackets, as in ps(1): no path begins with one.
func groupOf(p *event.Process, by Grouping) GroupKey {
	if !p.ID.Known() {
		return GroupKey{Unknown: true}
	}
	switch by {
	case ByContainer:
		return GroupKey{Name: p.Container}
	case ByUnit:
		return GroupKey{Name: p.Unit}
	}
	return GroupKey{Name: cmp.Or(p.Exe, "["+p.Comm+"]")}
}

// sum adds up the members.
func (g *ProcessGroup) sum() {
	pairs := newPairSum()
	var lives lifetimes
	for _, p := range g.Members {
		g.add(&p.Totals)
		g.Rates.Opens += p.Rates.Opens
		g.Rates.Closes += p.Rates.Closes
		g.Rates.Failures += p.Rates.Failures
		g.History = addHistory(g.History, p.History)
		g.seen(p.First, p.Last)
		pairs.add(p.Destinations)
		lives.add(&p.Totals)
	}
	g.LifetimeP50, g.LifetimeP99 = lives.quantiles()
	g.Destinations = pairs.sorted()
}

func (g *ProcessGroup) seen(first, last time.Time) {
	if !first.IsZero() && (g.First.IsZero() || first.Before(g.First)) {
		g.First = first
	}
	if last.After(g.Last) {
		g.Last = last
	}
}

// add adds all counts. Lifetimes have no sum.
func (t *Totals) add(o *Totals) {
	t.LiveBefore += o.LiveBefore
	t.EndedUnseen += o.EndedUnseen
	t.BeforeStart += o.BeforeStart
	t.Opens += o.Opens
	t.ClosesOut += o.ClosesOut
	t.ClosesIn += o.ClosesIn
	t.ClosesUnknown += o.ClosesUnknown
	t.ConnectFailures += o.ConnectFailures
	t.FailedOpens += o.FailedOpens
	t.Binds += o.Binds
	t.BindFailures += o.BindFailures
	t.TimeWaitEntered += o.TimeWaitEntered
	t.TimeWaitOut += o.TimeWaitOut
	t.TimeWaitIn += o.TimeWaitIn
	t.TimeWaitOther += o.TimeWaitOther
	t.SynSent += o.SynSent
	t.CloseWait += o.CloseWait
}

// addHistory adds second by second. All histories of a snapshot end with the same second.
func addHistory(sum, more []Point) []Point {
	if lacking := len(more) - len(sum); lacking > 0 {
		sum = append(make([]Point, lacking, len(more)), sum...)
	}
	for i, p := range more {
		at := &sum[len(sum)-len(more)+i]
		at.Opens += p.Opens
		at.Closes += p.Closes
		at.Failures += p.Failures
	}
	return sum
}
