// Package verdict sums a snapshot and its findings up in the few sentences that an engineer reads
// first: what fails or will fail, where, for which program, since or until when, what is wanted
// against what can be had, and what to change first. It is a pure function of both, so that a
// replay says what the live run said.
//
// Files: verdict.go has the types, trouble.go the order of troubles, a file space*.go, calls.go,
// silent.go (with silence.go), own_ports.go and findings.go each kind of trouble, quiet.go what is said without any, and party.go
// the programs.
package verdict

import (
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Level is how urgent a verdict is. The higher, the worse.
type Level int

const (
	OK      Level = iota // nothing fails, as far as failures are observed
	Unknown              // failures cannot be observed here, for example without root
	Soon                 // a port space will be full within ten minutes, a leak, or a warning
	Failing              // calls fail now
)

// String returns the name used in output.
func (l Level) String() string { return [...]string{"ok", "unknown", "soon", "failing"}[l] }

// Verdict is what the box on top of the screen and of a report says. All texts are printable,
// whatever a name holds.
type Verdict struct {
	Level Level
	Title string   // the first words: OUT OF PORTS for 2m41s, FULL IN 31 s, OK: ...
	Lines []string // full sentences, the most important first; the caller wraps them
	Do    string   // the first thing to change, in one line; empty if none is known
	More  []string // each further trouble in a short line, the worst first

	// What it is about, so that a key can open it; empty, nil or zero if that is nothing of the
	// kind. Space and Failure are rows of the snapshot.
	Finding doctor.Key // of the finding that says more; zero: none does
	Space   *snapshot.PortSpace
	Failure *snapshot.Failure
	Process event.ProcID
}

// Of returns the verdict on a snapshot. findings are those of doctor.Judge for the same snapshot,
// or of a doctor.History up to it: those that are over explain only what has failed before.
func Of(s *snapshot.Snapshot, findings []doctor.Finding) Verdict {
	c := newCollector(s, findings)
	c.spaces()
	c.calls()
	c.silentPeers()
	c.ownPorts()
	c.otherFindings()
	c.sort()
	if len(c.troubles) == 0 {
		return c.quiet()
	}
	return c.verdict()
}
