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
	ByProgram    Grouping = "program" // executable and script
	ByExecutable Grouping = "executable"
	ByParent     Grouping = "parent" // the process that started them
	ByContainer  Grouping = "container"
	ByPod        Grouping = "pod"
	ByUnit       Grouping = "unit"
)

// Groupings returns all of them, each usually wider than the one before.
func Groupings() []Grouping {
	return []Grouping{ByProcess, ByProgram, ByExecutable, ByParent, ByContainer, ByPod, ByUnit}
}

// ProcessGroup is one row: the sum of the processes of a program, executable, container, pod or unit,
// for example of a shell loop that runs curl 10,000 times. It counts the processes that have
// no row of their own any more as well.
type ProcessGroup struct {
	GroupKey
	Totals
	Rates        Rates
	History      History
	First, Last  time.Time
	Destinations []Pair // of all its processes, most opens first, without a process, bounded
	Members      []*Process
	Past         int // how many processes it had that have no row any more

	lives  Lifetimes
	names  processNames
	shared bool // History belongs to the only one that was added: it must not be changed
}

// Processes returns how many processes the group has or had.
func (g *ProcessGroup) Processes() int { return len(g.Members) + g.Past }

// GroupKey identifies a group.
type GroupKey struct {
	// Name is that of the program, the executable, the parent with its pid, the id of the
	// container, NAMESPACE/POD or the unit; empty for processes in none.
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
	rows := GroupRows(s, by)
	addDestinations(s, rows, by)
	byOpens, _ := ColumnNamed(GroupColumns(), "opens")
	return Sort(rows, byOpens, false)
}

// GroupRows returns the groups in no particular order and without their Destinations, of which a
// table shows none: see DestinationsOf.
func GroupRows(s *Snapshot, by Grouping) []ProcessGroup {
	if by == ByProcess {
		return nil
	}
	index := newGroupIndex(s, by)
	// Rows are large, and each has its members: both are allocated once.
	rows := make([]ProcessGroup, len(index.keys))
	members := make([]*Process, len(s.Processes))
	for i := range rows {
		rows[i].GroupKey = index.keys[i]
		rows[i].Members, members = members[:0:index.members[i]], members[index.members[i]:]
	}
	for i := range s.Processes {
		rows[index.of[i]].join(&s.Processes[i])
	}
	for i := range s.Past {
		if past := &s.Past[i]; !past.Others { // see OtherGroup
			rows[index.row(past.key(by))].joinPast(past)
		}
	}
	for i := range rows {
		rows[i].finish(by)
	}
	if by == ByProgram {
		distinguish(rows)
	}
	return rows
}

// distinguish puts the name of a program into brackets, as ps(1) does, if its executable is not known and
// another program has the name. Its processes ended before their facts could be read: they may be of the
// other program, or of one that only has its name.
func distinguish(rows []ProcessGroup) {
	known := map[string]bool{}
	for i := range rows {
		if rows[i].Executable != unknownExecutable(rows[i].Name) {
			known[rows[i].Name] = true
		}
	}
	for i := range rows {
		if g := &rows[i]; known[g.Name] && g.Executable == unknownExecutable(g.Name) {
			g.Name = g.Executable
		}
	}
}

// groupIndex is which groups there are.
type groupIndex struct {
	// rows are the first of those with a word in common, next those after it: a key has three words
	// and two numbers, and one word distinguishes nearly all.
	rows    map[string]int
	next    []int // -1: there is none
	keys    []GroupKey
	members []int // how many processes each has
	of      []int // the group of each process
}

func newGroupIndex(s *Snapshot, by Grouping) *groupIndex {
	room := len(s.Processes) / 2 // so that what has many groups seldom grows
	x := &groupIndex{
		rows: make(map[string]int, room), next: make([]int, 0, room), keys: make([]GroupKey, 0, room),
		members: make([]int, 0, room), of: make([]int, len(s.Processes)),
	}
	for i := range s.Processes {
		x.of[i] = x.row(keyOf(&s.Processes[i].Info, by))
		x.members[x.of[i]]++
	}
	for i := range s.Past {
		if past := &s.Past[i]; !past.Others {
			x.row(past.key(by))
		}
	}
	for i := range s.PastPairs { // there can be no other trace of a group
		if past := &s.PastPairs[i]; !past.Others {
			x.row(past.key(by))
		}
	}
	return x
}

func (x *groupIndex) row(key GroupKey) int {
	word := cmp.Or(key.Script, key.Executable, key.Name)
	first, ok := x.rows[word]
	if !ok {
		first = -1
	}
	for at := first; at >= 0; at = x.next[at] {
		if x.keys[at] == key {
			return at
		}
	}
	at := len(x.keys)
	x.rows[word] = at
	x.keys, x.next, x.members = append(x.keys, key), append(x.next, first), append(x.members, 0)
	return at
}

// found returns the key without the name that a program gets from its processes.
func (k GroupKey) found(by Grouping) GroupKey {
	if by == ByProgram {
		k.Name = ""
	}
	return k
}

// keyOf returns the group of a process. Who its parent is takes longest to say.
func keyOf(p *event.Process, by Grouping) GroupKey {
	identity := ownIdentity(p)
	if by == ByParent {
		identity = IdentityOf(p)
	}
	return identity.key(by)
}

// join adds a process.
func (g *ProcessGroup) join(p *Process) {
	g.names.add(p.Info.Name())
	g.Members = append(g.Members, p)
	g.add(p)
}

// joinPast adds processes that have no row any more.
func (g *ProcessGroup) joinPast(p *Past) {
	g.names.add(p.Name)
	g.Past += p.Count
	g.add(&p.Process)
}

// finish sets what follows from all that was added.
func (g *ProcessGroup) finish(by Grouping) {
	g.LifetimeP50, g.LifetimeP99 = g.lives.Quantile(0.5), g.lives.Quantile(0.99)
	if by == ByProgram && !g.Unknown {
		g.Name = g.names.program(g.Executable, g.Script)
	}
	g.lives, g.names = Lifetimes{}, processNames{}
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

// add adds what a process has done, without its destinations.
func (g *ProcessGroup) add(p *Process) {
	g.Totals.add(&p.Totals)
	g.Rates.Opens += p.Rates.Opens
	g.Rates.Closes += p.Rates.Closes
	g.Rates.Failures += p.Rates.Failures
	g.addHistory(p.History)
	g.seen(p.First, p.Last)
	if g.lives.total == 0 {
		g.lives = p.Lifetimes
		g.lives.shared = true // it is copied when another is added
		return
	}
	g.lives.Merge(&p.Lifetimes)
}

// addHistory adds a history. That of the only one is not copied.
func (g *ProcessGroup) addHistory(more History) {
	switch {
	case more.Len() == 0:
	case g.History.Len() == 0:
		g.History, g.shared = more, true
	case g.shared || more.Len() > g.History.Len():
		g.History, g.shared = g.History.plus(more), false
	default:
		g.History.add(more)
	}
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
	t.Unlisted += o.Unlisted
	t.TimeWaitOut += o.TimeWaitOut
	t.TimeWaitIn += o.TimeWaitIn
	t.TimeWaitOther += o.TimeWaitOther
	t.SynSent += o.SynSent
	t.CloseWait += o.CloseWait
}
