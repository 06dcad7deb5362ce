package verdict

import (
	"cmp"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// party is the processes of one program: a shell loop that runs curl(1) 2,000 times is one.
type party struct {
	name  string
	pids  map[event.ProcID]bool
	proc  event.Process // the one with the highest count
	most  int
	count int // failed calls, or ports
}

// String returns nginx ×2, or billing(18641) of a single process.
func (p *party) String() string {
	if len(p.pids) > 1 {
		return p.name + " ×" + phrase.Count(len(p.pids))
	}
	return phrase.Process(p.proc.ID, p.proc.Comm)
}

// known reports whether the program is known.
func (p *party) known() bool { return p.proc.ID.Known() }

// parties are the programs of a trouble.
type parties []*party

// add counts n of a process.
func (l *parties) add(proc *event.Process, n int) {
	name := phrase.Command(proc.ID, proc.Comm)
	at := slices.IndexFunc(*l, func(p *party) bool { return p.name == name })
	if at < 0 {
		at = len(*l)
		*l = append(*l, &party{name: name, pids: map[event.ProcID]bool{}, most: -1})
	}
	p := (*l)[at]
	p.pids[proc.ID] = true
	p.count += n
	if n > p.most {
		p.proc, p.most = *proc, n
	}
}

// sort puts the program with the highest count first, those that are not known last.
func (l parties) sort() {
	slices.SortStableFunc(l, func(a, b *party) int {
		if a.known() != b.known() {
			return cmp.Compare(toInt(b.known()), toInt(a.known()))
		}
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

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
	if len(l) > 1 || len(l) == 1 && len(l[0].pids) > 1 {
		return several
	}
	return one
}

// main returns the process that stands for all of them.
func (l parties) main() event.ProcID {
	if len(l) == 0 {
		return event.ProcID{}
	}
	return l[0].proc.ID
}

// callers returns the programs whose calls found no port of the space.
func (c *collector) callers(space *snapshot.PortSpace) parties {
	var l parties
	for _, f := range c.denied(space) {
		if c.s.Recent(f) {
			l.add(&f.Proc, int(f.Count))
		}
	}
	if len(l) == 0 {
		for i := range space.Victims {
			v := &space.Victims[i]
			l.add(&v.Proc, int(v.Failures))
		}
	}
	l.sort()
	return l
}

// holders returns the programs that hold the ports of the space. A row lists few processes: where
// a thousand short ones hold a port each, those that connect to the destination are counted.
func (c *collector) holders(space *snapshot.PortSpace) parties {
	var l parties
	listed := 0
	for i := range space.Holders {
		h := &space.Holders[i]
		l.add(&h.Proc, h.Ports())
		listed += h.Ports()
	}
	if space.Kind == snapshot.ConnectSpace && space.OtherHolders.Ports() > listed {
		l = nil
		for _, p := range c.rows().pairs[peerOf(space)] {
			l.add(&event.Process{ID: p.Proc, Comm: p.Comm}, int(p.Live()+p.TimeWaitOut))
		}
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
	for _, p := range c.rows().pairs[peerOf(space)] {
		if p.Opens > 0 {
			l.add(&event.Process{ID: p.Proc, Comm: p.Comm}, int(p.Opens))
		}
	}
	l.sort()
	return l
}
