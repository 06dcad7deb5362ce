package verdict

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// party is a program, with a count of its failed calls, opens or ports: a shell loop that runs
// curl(1) 2,000 times is one.
type party struct {
	snapshot.Program
	pids  map[event.ProcID]bool // those that are known
	count int
}

// String returns nginx ×2, or billing.py (python3 18641) of a single process.
func (p *party) String() string { return phrase.Programs(&p.Program) }

// parties are the programs of a trouble.
type parties []*party

// of returns the party of a program, which is made if there is none.
func (l *parties) of(key snapshot.ProgramKey) *party {
	at := slices.IndexFunc(*l, func(p *party) bool { return p.ProgramKey == key })
	if at < 0 {
		at = len(*l)
		*l = append(*l, &party{pids: map[event.ProcID]bool{}})
		(*l)[at].ProgramKey = key
	}
	return (*l)[at]
}

// add counts n of a process.
func (l *parties) add(proc *event.Process, n int) {
	p := l.of(snapshot.ProgramOf(proc))
	if !p.pids[proc.ID] {
		one := snapshot.NewProgram(proc)
		p.Join(&one)
		p.pids[proc.ID] = true
	}
	p.count += n
}

// addProgram counts n of a program.
func (l *parties) addProgram(program *snapshot.Program, n int) {
	p := l.of(program.ProgramKey)
	p.Program = *program
	p.count += n
}

// sort puts the program with the highest count first, those that are not known last.
func (l parties) sort() {
	slices.SortStableFunc(l, func(a, b *party) int {
		if a.Known() != b.Known() {
			return cmp.Compare(toInt(b.Known()), toInt(a.Known()))
		}
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Executable, b.Executable))
	})
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// recently is for how long after its last failed call a program is named.
const recently = time.Minute

// maxNamed is how many programs a sentence names.
const maxNamed = 2

// String returns nginx ×2 and curl(812), or with more of them nginx ×2, curl(812) and 3 more.
func (l parties) String() string {
	var names []string
	for _, p := range l[:min(len(l), maxNamed)] {
		names = append(names, p.String())
	}
	if more := len(l) - len(names); more > 0 {
		return strings.Join(names, ", ") + " and " + phrase.Count(more) + " more"
	}
	return strings.Join(names, " and ")
}

// verb returns the verb that fits one process or several.
func (l parties) verb(one, several string) string {
	if len(l) > 1 || len(l) == 1 && l[0].Processes > 1 {
		return several
	}
	return one
}

// main returns the process that stands for all of them.
func (l parties) main() event.ProcID {
	if len(l) == 0 {
		return event.ProcID{}
	}
	return l[0].Proc.ID
}

// callers returns the programs whose calls found no port of the space.
func (c *collector) callers(space *snapshot.PortSpace) parties {
	var l parties
	list := space.VictimsByProgram()
	for i := range list {
		if v := &list[i]; v.Rate > 0 || c.s.Wall.Sub(v.Last) <= recently {
			l.addProgram(&v.Program, int(v.Failures))
		}
	}
	if len(l) == 0 {
		for _, f := range c.ends.Denied(space) {
			if c.s.Recent(f) {
				l.add(&f.Proc, int(f.Count))
			}
		}
	}
	l.sort()
	return l
}

// holders returns the programs that hold the ports of the space.
func (c *collector) holders(space *snapshot.PortSpace) parties {
	var l parties
	list, _ := space.HoldersByProgram()
	for i := range list {
		l.addProgram(&list[i].Program, list[i].Ports())
	}
	l.sort()
	return l
}

// openers returns the programs that open connections towards the destination of the space, of an
// address those that hold its ports.
func (c *collector) openers(space *snapshot.PortSpace) parties {
	if space.Kind != snapshot.ConnectSpace {
		return c.holders(space)
	}
	var l parties
	for _, p := range c.ends.Of(space).Pairs {
		if p.Opens > 0 {
			l.add(c.process(p), int(p.Opens))
		}
	}
	l.sort()
	return l
}

// process returns what is known of the process of a pair.
func (c *collector) process(p *snapshot.Pair) *event.Process {
	if row := c.row(p.Proc); row != nil {
		return &row.Info
	}
	process := p.Process()
	return &process
}
