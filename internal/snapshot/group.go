package snapshot

import (
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Grouping is what processes are put together by.
type Grouping string

const (
	ByProcess    Grouping = "process" // each by itself
	ByExecutable Grouping = "executable"
	ByContainer  Grouping = "container"
	ByUnit       Grouping = "unit"
)

// Groupings are all of them, each wider than the one before, as a rule.
func Groupings() []Grouping { return []Grouping{ByProcess, ByExecutable, ByContainer, ByUnit} }

// ProcessGroup is one row: what processes of the same executable, container or unit did
// together. A shell loop that runs curl 10,000 times is one.
type ProcessGroup struct {
	GroupKey
	// Totals are the sums. The lifetimes are the quantiles of the members' own, each with
	// the weight of its closed connections: exact for one member, and for members of one
	// connection each; with others between, as far as a member's quantile stands for all
	// of its connections.
	Totals
	Rates        Rates
	History      []Point
	First, Last  time.Time
	Destinations []Pair // of all members, most opens first, without a process, bounded
	Members      []*Process
}

// GroupKey tells one group from another.
type GroupKey struct {
	// Name is the executable, the id of the container or the unit; empty for the processes
	// that are in none.
	Name string
	// Unknown is the group of the sockets whose process is not known.
	Unknown bool
}

// maxGroupDestinations bounds a row, as those of a process are bounded.
const maxGroupDestinations = 50

// GroupProcesses sums up the rows by what the processes have in common, most opens first.
// By process there are no groups.
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

// groupOf is the group of a process. An executable that is not known is called by the
// process's name in brackets, as ps(1) does: no path begins with one.
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

// add adds all but the lifetimes, of which there is no sum.
func (t *Totals) add(o *Totals) {
	t.LiveBefore += o.LiveBefore
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

// addHistory adds second by second. All histories of a snapshot end with the same one.
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
