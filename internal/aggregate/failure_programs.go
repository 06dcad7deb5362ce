package aggregate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxProgramFailures bounds the failures by program: a host has few programs that fail.
const maxProgramFailures = 512

// programFailKey says which failures are those of one program: as failKey, of all its processes.
// local is known apart, as it decides in which port space no port was left.
type programFailKey struct {
	snapshot.ProgramKey
	netns  uint32
	proto  event.Proto
	op     event.Op
	errno  event.Errno
	reason event.Reason
	target event.Endpoint
	local  event.Addr
}

// programFailure counts for all processes, whether they have a row of failures or not.
type programFailure struct {
	programFailKey
	occurred
	processes processSet
	oldest    *event.Process
	newest    *event.Process
	inferred  event.Field
	source    event.Endpoint // as local of a failure
	holder    *event.Holder
	number    uint64
	credit    uint64
	ended     *netnsName
}

// programFailures are bounded as failures are.
type programFailures struct {
	limit int
	byKey map[programFailKey]*programFailure
	made  uint64
	floor uint64
}

func (f *programFailures) add(e *event.Event, n uint64, target event.Endpoint, p *event.Process) {
	key := programFailKey{
		ProgramKey: snapshot.ProgramOf(p), netns: e.Netns, proto: e.Proto, op: e.Op, errno: e.Errno, reason: e.Reason, target: target,
	}
	if e.Kind == event.ConnectFail {
		key.local = e.Src.Addr
	}
	row := f.byKey[key]
	if row == nil {
		row = f.create(key, p)
	}
	row.newest = p
	row.processes.add(p.ID)
	row.inferred |= e.Inferred
	if e.Kind == event.ConnectFail {
		row.source = e.Src
	}
	if e.Holder != nil {
		row.holder = e.Holder
	}
	row.add(e, n)
}

func (f *programFailures) create(key programFailKey, p *event.Process) *programFailure {
	if f.byKey == nil {
		f.byKey = map[programFailKey]*programFailure{}
	}
	if len(f.byKey) >= f.limit {
		f.evict()
	}
	f.made++
	row := &programFailure{programFailKey: key, oldest: p, number: f.made, credit: f.floor}
	f.byKey[key] = row
	return row
}

func (f *programFailures) evict() {
	weight := func(row *programFailure) uint64 {
		return (&failure{failKey: failKey{sweepKey: sweepKey{reason: row.reason}}, occurred: row.occurred, credit: row.credit}).weight()
	}
	all := slices.Collect(maps.Values(f.byKey))
	order := func(a, b *programFailure) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a.last, b.last), cmp.Compare(a.number, b.number))
	}
	for _, row := range least(all, len(all)/8, order) {
		f.floor = max(f.floor, row.credit+row.count)
		delete(f.byKey, row.programFailKey)
	}
}

// program returns the program with its processes.
func (f *programFailure) program(s *State) snapshot.Program {
	oldest, newest := snapshot.NewProgram(f.oldest), snapshot.NewProgram(s.whoisStill(f.newest))
	program := oldest
	if oldest.First != newest.First {
		program.Join(&newest)
	}
	if program.Processes > 0 {
		program.Processes, program.About = f.processes.count()
	}
	return program
}

// whoisStill returns what is known of the process by now, if that is more.
func (s *State) whoisStill(p *event.Process) *event.Process {
	if now := s.whois(p.ID); now.Comm != "" {
		return now
	}
	return p
}

func (f *programFailure) row(s *State) snapshot.ProgramFailure {
	out := snapshot.ProgramFailure{Failure: s.failureRow(&f.occurred), Program: f.program(s)}
	out.Proc, out.Netns, out.Proto = *s.whoisStill(f.newest), f.netns, f.proto
	out.NetnsName, out.NetnsGone = s.netnsOfFailure(f.netns, f.ended)
	out.Op, out.Errno, out.Reason, out.Inferred = f.op, f.errno, f.reason, f.inferred
	out.Target, out.Local, out.HeldBy = f.target, f.source, s.heldBy(f.holder)
	return out
}

// rows returns the failures by program. Those that differ in their local address alone are one.
func (f *programFailures) rows(s *State) []snapshot.ProgramFailure {
	lists := map[programFailKey][]*programFailure{}
	for key, row := range f.byKey {
		key.local = event.Addr{}
		lists[key] = append(lists[key], row)
	}
	var list []snapshot.ProgramFailure
	for _, alike := range lists {
		list = append(list, sumOfPrograms(alike).row(s))
	}
	snapshot.SortFailures(list)
	return list
}

// sumOfPrograms returns the sum of rows of one program, the same in every run.
func sumOfPrograms(alike []*programFailure) *programFailure {
	slices.SortFunc(alike, func(a, b *programFailure) int { return cmp.Compare(a.number, b.number) })
	sum := alike[0]
	for _, row := range alike[1:] {
		both := sum.plus(row)
		sum = &both
	}
	return sum
}

// plus returns the sum of two rows of one program, neither of which it changes.
func (f *programFailure) plus(o *programFailure) programFailure {
	sum := *f
	sum.occurred = occurred{}
	sum.merge(&f.occurred)
	sum.merge(&o.occurred)
	sum.processes = processSet{}
	sum.processes.join(&f.processes.distinct, hashProcess)
	sum.processes.join(&o.processes.distinct, hashProcess)
	sum.inferred |= o.inferred
	if o.last > f.last {
		sum.newest, sum.source, sum.holder = o.newest, o.source, o.holder
	}
	return sum
}

// endNetns notes that the inode of the namespace is another's by now.
func (f *programFailures) endNetns(n *netnsName) {
	for _, row := range f.byKey {
		if row.netns == n.inode && row.ended == nil {
			row.ended = n
		}
	}
}
