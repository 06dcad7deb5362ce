package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Grouping is what the processes of a group have in common.
type Grouping string

const (
	ByProcess    Grouping = "process" // no groups
	ByProgram    Grouping = "program" // executable and script
	ByExecutable Grouping = "executable"
	ByParent     Grouping = "parent" // the process that started them
	ByContainer  Grouping = "container"
	ByUnit       Grouping = "unit"
)

// Groupings returns all of them, each usually wider than the one before.
func Groupings() []Grouping {
	return []Grouping{ByProcess, ByProgram, ByExecutable, ByParent, ByContainer, ByUnit}
}

// ProcessGroup is one row: the sum of the processes of a program, executable, container or unit,
// for example of a shell loop that runs curl 10,000 times. It counts the processes that have
// no row of their own any more as well.
type ProcessGroup struct {
	GroupKey
	Totals
	Rates        Rates
	History      []Point
	First, Last  time.Time
	Destinations []Pair // of all its processes, most opens first, without a process, bounded
	Members      []*Process
	Past         int // how many processes it had that have no row any more

	lives Lifetimes
	pairs *pairSum
	names processNames
}

// Processes returns how many processes the group has or had.
func (g *ProcessGroup) Processes() int { return len(g.Members) + g.Past }

// GroupKey identifies a group.
type GroupKey struct {
	// Name is that of the program, the executable, the parent with its pid, the id of the
	// container or the unit; empty for processes in none.
	Name string
	// Executable and Script are those of a group by program. Programs can have one name.
	Executable, Script string
	Parent             event.ProcID // of a group by parent
	// Unknown is true for the sockets without a known owner.
	Unknown bool
}

// maxGroupDestinations bounds a row, as for a process.
const maxGroupDestinations = 50

// GroupProcesses returns the groups of the processes, most opens first, none for ByProcess.
func GroupProcesses(s *Snapshot, by Grouping) []ProcessGroup {
	if by == ByProcess {
		return nil
	}
	groups := groups{index: map[GroupKey]*ProcessGroup{}}
	owners := make(map[event.ProcID]*ProcessGroup, len(s.Processes))
	for i := range s.Processes {
		p := &s.Processes[i]
		identity := IdentityOf(&p.Info)
		g := groups.of(identity.key(by))
		g.names.add(identity.Name)
		g.Members = append(g.Members, p)
		g.add(p)
		owners[p.Info.ID] = g
	}
	for i := range s.Past {
		if s.Past[i].Others {
			continue // see OtherGroup
		}
		g := groups.of(s.Past[i].key(by))
		g.names.add(s.Past[i].Name)
		g.Past += s.Past[i].Count
		g.add(&s.Past[i].Process)
	}
	groups.addPairs(s, owners, by)
	return groups.sorted(by)
}

// OtherGroup returns the sum of the processes for whose groups there was no room, nil
// without any.
func OtherGroup(s *Snapshot) *ProcessGroup {
	for i := range s.Past {
		if p := &s.Past[i]; p.Others {
			g := &ProcessGroup{Past: p.Count}
			g.add(&p.Process)
			g.LifetimeP50, g.LifetimeP99 = p.LifetimeP50, p.LifetimeP99
			return g
		}
	}
	return nil
}

// groups are those that were found so far.
type groups struct{ index map[GroupKey]*ProcessGroup }

func (g *groups) of(key GroupKey) *ProcessGroup {
	if g.index[key] == nil {
		g.index[key] = &ProcessGroup{GroupKey: key, pairs: newPairSum()}
	}
	return g.index[key]
}

// addPairs adds the destinations. owners are the groups of the processes with a row.
func (g *groups) addPairs(s *Snapshot, owners map[event.ProcID]*ProcessGroup, by Grouping) {
	for i := range s.Pairs {
		if owner := owners[s.Pairs[i].Proc]; owner != nil { // the others are in PastPairs
			owner.pairs.add(&s.Pairs[i])
		}
	}
	for i := range s.PastPairs {
		if p := &s.PastPairs[i]; !p.Others {
			g.of(p.key(by)).pairs.add(&p.Pair)
		}
	}
}

func (g *groups) sorted(by Grouping) []ProcessGroup {
	rows := make([]ProcessGroup, 0, len(g.index))
	for _, row := range g.index {
		row.LifetimeP50, row.LifetimeP99 = row.lives.Quantile(0.5), row.lives.Quantile(0.99)
		row.Destinations = row.pairs.sorted()
		if by == ByProgram && !row.Unknown {
			row.Name = row.names.program(row.Executable, row.Script)
		}
		row.pairs, row.lives, row.names = nil, Lifetimes{}, processNames{}
		rows = append(rows, *row)
	}
	byOpens, _ := ColumnNamed(GroupColumns(), "opens")
	return Sort(rows, byOpens, false)
}

// add adds what a process has done, without its destinations.
func (g *ProcessGroup) add(p *Process) {
	g.Totals.add(&p.Totals)
	g.Rates.Opens += p.Rates.Opens
	g.Rates.Closes += p.Rates.Closes
	g.Rates.Failures += p.Rates.Failures
	g.History = addHistory(g.History, p.History)
	g.seen(p.First, p.Last)
	g.lives.Merge(&p.Lifetimes)
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
	t.ResetsOut += o.ResetsOut
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
