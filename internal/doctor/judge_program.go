package doctor

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// programOf returns the name by which the processes of one program are one: empty if the process
// is not known. The ID of a finding has it, so it has no pid.
func programOf(p *event.Process) string {
	if !p.ID.Known() {
		return ""
	}
	return printable.String(p.Program())
}

// programOfPast returns the same of processes whose rows are gone: of their executable, as
// snapshot.IdentityOf has it.
func programOfPast(i *snapshot.Identity) string {
	if i.Unknown || i.Others || i.Executable == "" {
		return ""
	}
	if i.Script != "" {
		return printable.String(path.Base(i.Script))
	}
	if i.Name != "" {
		return printable.String(i.Name)
	}
	if comm, ok := strings.CutPrefix(i.Executable, "["); ok {
		return printable.String(strings.TrimSuffix(comm, "]"))
	}
	return printable.String(path.Base(i.Executable))
}

// program is what the processes of one name do with the ports of a space.
type program struct {
	name      string        // empty: not known
	proc      event.Process // the one with most of the ports
	processes int           // how many there are or were, 0: not known
	more      bool          // than processes

	live, closeWait, timeWait, bound int // ports; live holds closeWait
	opens, closes                    uint64
	most                             int // ports of proc
}

func (p *program) ports() int { return p.live + p.timeWait + p.bound }

// who returns the program in a sentence: nginx (2 processes), billing (pid 18641).
func (p *program) who() string {
	switch {
	case p.name == "":
		return "an unknown program"
	case p.processes > 1 && p.more:
		return p.name + " (at least " + phrase.Count(p.processes) + " processes)"
	case p.processes > 1:
		return p.name + " (" + phrase.Count(p.processes) + " processes)"
	case p.proc.ID.Known():
		return p.name + " (pid " + phrase.PID(p.proc.ID) + ")"
	}
	return p.name
}

// named returns a process in a sentence: billing (pid 18641).
func named(p *event.Process) string {
	name := programOf(p)
	if name == "" {
		return "an unknown process"
	}
	return name + " (pid " + phrase.PID(p.ID) + ")"
}

// programs are those of a space, each once.
type programs struct {
	list   []program
	byPair bool // their ports are counted by destination, from whatever local address
}

func (l *programs) of(name string) *program {
	at := slices.IndexFunc(l.list, func(p program) bool { return p.name == name })
	if at < 0 {
		at = len(l.list)
		l.list = append(l.list, program{name: name})
	}
	return &l.list[at]
}

// programsOf returns the programs that hold the ports of the space. Where most owners are not
// known it takes the programs that connect to the destination, by whatever local address.
func (j *judge) programsOf(s *snapshot.PortSpace) programs {
	var l programs
	listed := 0
	holders, others := s.HoldersByProgram()
	for i := range holders {
		h := &holders[i]
		p := l.of(programOf(&h.Proc))
		p.processes += max(h.Program.Processes, 1)
		p.more = p.more || h.Program.About
		p.live, p.closeWait, p.timeWait, p.bound = p.live+h.Live, p.closeWait+h.CloseWait, p.timeWait+h.TimeWait, p.bound+h.Bound
		p.stands(h.Proc, h.Ports())
		if p.name != "" {
			listed += h.Ports()
		}
	}
	if others.Ports() > 0 && len(s.Programs) == 0 {
		for i := range l.list {
			l.list[i].more = true // the others can be of it
		}
	}
	if s.Kind == snapshot.ConnectSpace {
		l.byPair = listed*2 <= s.InUse()
		j.addPairs(&l, s)
	}
	return l
}

// stands takes the process for the program if it has more ports than the one before.
func (p *program) stands(proc event.Process, ports int) {
	if !p.proc.ID.Known() || ports > p.most {
		p.proc, p.most = proc, ports
	}
}

// addPairs adds what the programs have opened and closed towards the destination; their ports,
// too, if the space does not list the processes that hold most.
func (j *judge) addPairs(l *programs, s *snapshot.PortSpace) {
	if l.byPair {
		bound := slices.Clone(l.list)
		l.list = nil
		for _, p := range bound {
			if p.bound > 0 {
				l.list = append(l.list, program{name: p.name, proc: p.proc, bound: p.bound, most: p.most})
			}
		}
	}
	end := j.ends.Of(s)
	for _, pair := range end.Pairs {
		if !pair.Proc.Known() {
			continue
		}
		proc := pair.Process()
		p := l.of(programOf(&proc))
		p.addPair(pair, l.byPair)
		p.stands(proc, int(pair.Live()+pair.TimeWaitOut))
	}
	for _, past := range end.Past {
		if name := programOfPast(&past.Identity); name != "" {
			p := l.of(name)
			p.addPair(&past.Pair, l.byPair)
			p.more = true // this row can be of several processes
		}
	}
}

func (p *program) addPair(pair *snapshot.Pair, ports bool) {
	p.opens += pair.Opens
	p.closes += pair.ClosesOut
	if !ports {
		return
	}
	p.processes++
	p.live += int(max(pair.Live(), 0))
	p.closeWait += int(max(pair.CloseWait, 0))
	p.timeWait += int(max(pair.TimeWaitOut, 0))
}

// most returns the program with the most by a measure, the known ones first: the sockets without
// a known owner are of no one that could be named. A program with nothing is none.
func (l *programs) most(measure func(*program) int) program {
	best := program{}
	for i := range l.list {
		p := &l.list[i]
		if n := measure(p); n > 0 && p.name != "" && (best.name == "" || n > measure(&best)) {
			best = *p
		}
	}
	return best
}

// largest returns the n programs that hold most ports.
func (l *programs) largest(n int) []program {
	list := slices.DeleteFunc(slices.Clone(l.list), func(p program) bool { return p.ports() == 0 })
	slices.SortStableFunc(list, func(a, b program) int { return cmp.Compare(b.ports(), a.ports()) })
	return list[:min(len(list), n)]
}

// maxVictims is how many a finding lists.
const maxVictims = 10

// mergeVictims returns the processes of both, one for each program, most failures first, bounded.
func mergeVictims(a, b []Victim) []Victim {
	var all []Victim
	for _, list := range [][]Victim{a, b} {
		for _, v := range list {
			all = addVictim(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b Victim) int { return cmp.Compare(b.Failures, a.Failures) })
	return all[:min(len(all), maxVictims)]
}

// addVictim adds a process to those of its program: a shell loop that runs curl has a thousand.
// The newest stands for all.
func addVictim(all []Victim, v Victim) []Victim {
	name := programOf(&v.Proc)
	for i := range all {
		if have := &all[i]; programOf(&have.Proc) == name {
			have.Failures += v.Failures
			if v.Last.After(have.Last) {
				have.Last, have.Proc = v.Last, v.Proc
			}
			return all
		}
	}
	return append(all, v)
}
