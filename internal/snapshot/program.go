package snapshot

import (
	"path"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// Program is the processes of one executable with one script: what users call one program,
// whether it is a daemon with two workers or a loop that runs curl 2,000 times.
type Program struct {
	ProgramKey
	Name      string        // see event.Process.Program
	Processes int           // how many there are or were
	AtLeast   bool          // Processes is not exact: there may be more
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
	p.AtLeast = p.AtLeast || o.AtLeast
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
