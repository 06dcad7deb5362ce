package snapshot

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Program is the processes of one executable with one script: what users call one program,
// whether it is a daemon with two workers or a loop that runs curl 2,000 times.
type Program struct {
	ProgramKey
	Name      string        // see event.Process.Program
	Processes int           // how many there are or were
	About     bool          // Processes is an estimate, or of a list that was cut
	Proc      event.Process // the only one, else the newest
	First     event.ProcID  // the oldest
}

// ProgramKey identifies a program. Zero: its process is not known.
type ProgramKey struct{ Executable, Script string }

// ProgramOf returns the program of a process.
func ProgramOf(p *event.Process) ProgramKey {
	if !p.ID.Known() {
		return ProgramKey{}
	}
	return ProgramKey{executableOf(p), p.Script}
}

// Known reports whether it is known which program it is.
func (k ProgramKey) Known() bool { return k != ProgramKey{} }

// NewProgram returns the program of one process.
func NewProgram(p *event.Process) Program {
	if !p.ID.Known() {
		return Program{}
	}
	return Program{ProgramKey: ProgramOf(p), Name: p.Program(), Processes: 1, Proc: *p, First: p.ID}
}

// Join adds further processes of the same program.
func (p *Program) Join(o *Program) {
	switch {
	case o.Processes == 0:
		return
	case p.Processes == 0:
		*p = *o
		return
	}
	names := processNames{name: p.Name}
	names.add(o.Name)
	p.Name = names.program(p.Executable, p.Script)
	p.Processes += o.Processes
	p.About = p.About || o.About
	if startedBefore(p.Proc.ID, o.Proc.ID) {
		p.Proc = o.Proc
	}
	if startedBefore(o.First, p.First) {
		p.First = o.First
	}
}

func startedBefore(a, b event.ProcID) bool {
	return a.Start < b.Start || a.Start == b.Start && a.PID < b.PID
}

// processNames is the name that the processes of a program have in common.
type processNames struct {
	name   string
	differ bool
}

func (n *processNames) add(name string) {
	switch {
	case name == "" || name == n.name:
	case n.name == "":
		n.name = name
	default:
		n.differ = true
	}
}

// program returns the name of the program: that of its script, of all its processes, or of its
// executable if they have different ones.
func (n *processNames) program(executable, script string) string {
	switch {
	case script != "":
		return path.Base(script)
	case n.name != "" && !n.differ:
		return n.name
	case strings.HasPrefix(executable, "["):
		return strings.Trim(executable, "[]")
	}
	return path.Base(executable)
}

// ProgramHolder is a program and the ports of a space that its processes hold. Its Proc is the
// one with most of them, of equal ones the newest.
type ProgramHolder struct {
	Holder
	Program Program
}

// ProgramVictim is a program whose processes found no port. Its Proc is the newest.
type ProgramVictim struct {
	Victim
	Program Program
	Rate    float64 // of all its processes, per second over RateWindow
	First   time.Time
}

// ProgramFailure is calls of all processes of a program that failed in the same way, towards one
// target. Its Proc is that of the newest call.
type ProgramFailure struct {
	Failure
	Program Program
}

// HoldersByProgram returns the programs that hold the ports, most ports first, and what the rest
// holds.
func (s *PortSpace) HoldersByProgram() ([]ProgramHolder, Holder) {
	if len(s.Programs) == 0 {
		list := ProgramHolders(s.Holders)
		for i := range list {
			// One process keeps its name: others of the program may hold ports, but none is known.
			list[i].Program.About = s.OtherHolders.Ports() > 0 && list[i].Program.Processes > 1
		}
		return list, Holder{HeldCount: s.OtherHolders}
	}
	return s.Programs, Holder{HeldCount: s.OtherPrograms}
}

// ProgramHolders sums holders up by program, most ports first.
func ProgramHolders(holders []Holder) []ProgramHolder {
	var sum HolderSum
	for i := range holders {
		sum.Add(&holders[i].Proc, &holders[i])
	}
	return sum.Programs()
}

// HolderSum sums up the holders of a space by program. A loop of short programs has tens of
// thousands, which it does not copy. The zero value is ready.
type HolderSum struct {
	index map[ProgramKey]int
	list  []holderSum
}

type holderSum struct {
	key            ProgramKey
	holder         Holder // without a Proc
	names          processNames
	processes      int
	oldest, newest *event.Process
	largest        *event.Process // with the most ports
	most           int            // its ports
}

// Add adds the ports of a process that is not in it yet. The process must not change.
func (s *HolderSum) Add(p *event.Process, h *Holder) {
	key := ProgramOf(p)
	at, ok := s.index[key]
	if !ok {
		if s.index == nil {
			s.index = map[ProgramKey]int{}
		}
		at = len(s.list)
		s.index[key] = at
		s.list = append(s.list, holderSum{key: key, oldest: p, newest: p, largest: p})
	}
	sum := &s.list[at]
	sum.holder.Add(&h.HeldCount)
	if !key.Known() {
		return
	}
	sum.processes++
	sum.names.add(p.Name())
	if startedBefore(p.ID, sum.oldest.ID) {
		sum.oldest = p
	}
	if startedBefore(sum.newest.ID, p.ID) {
		sum.newest = p
	}
	if n := h.Ports(); n > sum.most || n == sum.most && startedBefore(sum.largest.ID, p.ID) {
		sum.largest, sum.most = p, n
	}
}

// Programs returns the sums, most ports first.
func (s *HolderSum) Programs() []ProgramHolder {
	var list []ProgramHolder
	for i := range s.list {
		sum := &s.list[i]
		row := ProgramHolder{Holder: sum.holder}
		if sum.key.Known() {
			row.Proc = *sum.largest
			row.Program = Program{
				ProgramKey: sum.key, Name: sum.names.program(sum.key.Executable, sum.key.Script),
				Processes: sum.processes, Proc: *sum.newest, First: sum.oldest.ID,
			}
		}
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b ProgramHolder) int {
		return cmp.Or(cmp.Compare(b.Ports(), a.Ports()), compareProgram(&a.Program, &b.Program))
	})
	return list
}

// VictimsByProgram returns the programs whose processes found no port, most failures first.
func (s *PortSpace) VictimsByProgram() []ProgramVictim {
	if len(s.VictimPrograms) > 0 {
		return s.VictimPrograms
	}
	index := map[ProgramKey]int{}
	var list []ProgramVictim
	for i := range s.Victims {
		v := &s.Victims[i]
		key := ProgramOf(&v.Proc)
		at, ok := index[key]
		if !ok {
			at = len(list)
			index[key] = at
			list = append(list, ProgramVictim{})
		}
		one, sum := NewProgram(&v.Proc), &list[at]
		sum.Program.Join(&one)
		sum.Proc = sum.Program.Proc
		sum.Failures += v.Failures
		if v.Last.After(sum.Last) {
			sum.Last = v.Last
		}
	}
	SortVictims(list)
	return list
}

// SortVictims puts the program with the most failures first.
func SortVictims(list []ProgramVictim) {
	slices.SortFunc(list, func(a, b ProgramVictim) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), compareProgram(&a.Program, &b.Program))
	})
}

// FailuresByProgram returns the failures by program, most first; bounded.
func FailuresByProgram(s *Snapshot) []ProgramFailure {
	if len(s.ProgramFailures) > 0 || len(s.Failures) == 0 {
		return s.ProgramFailures
	}
	return ProgramFailures(s.Failures)
}

// ProgramFailures sums failures up by program, most first.
func ProgramFailures(failures []Failure) []ProgramFailure {
	type key struct {
		program ProgramKey
		netns   uint32
		gone    bool
		proto   event.Proto
		op      event.Op
		errno   event.Errno
		reason  event.Reason
		target  event.Endpoint
	}
	index := map[key]int{}
	seen := map[key]map[event.ProcID]bool{}
	var list []ProgramFailure
	for i := range failures {
		f := &failures[i]
		k := key{ProgramOf(&f.Proc), f.Netns, f.NetnsGone, f.Proto, f.Op, f.Errno, f.Reason, f.Target}
		at, ok := index[k]
		if !ok {
			at = len(list)
			index[k], seen[k] = at, map[event.ProcID]bool{}
			list = append(list, ProgramFailure{Failure: *f})
		} else {
			list[at].merge(f)
		}
		if !seen[k][f.Proc.ID] {
			one := NewProgram(&f.Proc)
			list[at].Program.Join(&one)
			seen[k][f.Proc.ID] = true
		}
	}
	SortFailures(list)
	return list
}

// merge adds failures of another process of the program. What differs is that of the newest.
func (f *ProgramFailure) merge(o *Failure) {
	count, resent, rate, first, inferred := f.Count+o.Count, f.Resent+o.Resent, f.Rate+o.Rate, f.First, f.Inferred|o.Inferred
	if o.First.Before(first) {
		first = o.First
	}
	if o.Last.After(f.Last) {
		f.Failure = *o
	}
	f.Count, f.Resent, f.Rate, f.First, f.Inferred = count, resent, rate, first, inferred
}

// SortFailures puts the most failures first.
func SortFailures(list []ProgramFailure) {
	slices.SortFunc(list, func(a, b ProgramFailure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareProgram(&a.Program, &b.Program), compareEndpoint(a.Target, b.Target),
			cmp.Compare(a.Netns, b.Netns), compareBool(a.NetnsGone, b.NetnsGone), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Op, b.Op),
			cmp.Compare(a.Errno, b.Errno), cmp.Compare(a.Reason, b.Reason))
	})
}

// compareProgram orders programs by their identity.
func compareProgram(a, b *Program) int {
	return cmp.Or(cmp.Compare(a.Executable, b.Executable), cmp.Compare(a.Script, b.Script))
}
