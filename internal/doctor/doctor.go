// Package doctor says why calls fail or ports run out, and what to change. It is a pure
// function of snapshots: it has no clock and does no I/O.
//
// Judge finds what is wrong in one snapshot (judge*.go, a file for each kind of trouble), and a
// History merges what successive snapshots show. Each finding gets its advice (advice*.go): the
// values of the settings come from one plan for the whole namespace, so that no two pieces of advice
// contradict each other, and the words from the recipe of the program (recipe*.go). Effects
// simulates what the advice does to the measured load.
package doctor

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Severity is how urgent a finding is.
type Severity uint8

const (
	Info     Severity = iota // worth knowing; shown only if asked for
	Warning                  // nothing fails yet, or what fails harms little
	Critical                 // calls fail, or will within minutes
)

// String returns the name used in output.
func (s Severity) String() string { return [...]string{"info", "warning", "critical"}[s] }

// Confidence is how well a cause is proved.
type Confidence uint8

const (
	Possible Confidence = iota // one kind of evidence: the finding is Info
	Likely                     // two independent kinds of evidence
	Proved                     // counted failures, or a port space that is full by the exact definition
)

// String returns the name used in output.
func (c Confidence) String() string { return [...]string{"possible", "likely", "proved"}[c] }

// Words returns the name and what the confidence is founded on.
func (c Confidence) Words() string {
	return [...]string{
		"possible: one kind of evidence only",
		"likely: two independent kinds of evidence",
		"proved: counted, or full by the exact definition",
	}[c]
}

// Finding is one trouble: what it is, why, and what to change.
type Finding struct {
	// ID is the cause and what it is about, the same for the same trouble in every run:
	// "churn:nginx:10.77.0.2:9000". It is that of each of several namespaces: the name of one can
	// be another in the next run, as that of a pod is.
	ID         string
	Cause      Cause
	Severity   Severity
	Confidence Confidence
	Summary    string    // one sentence in plain words
	Since      time.Time // zero: from before start
	Until      time.Time // zero: it goes on
	Evidence   []Evidence
	Victims    []Victim
	Advice     []Advice // in the order of risk, least first
	Wrong      []string // what people wrongly do about this cause, and why it does not help
	Subject    Subject

	// trouble is what it is about apart from the cause: of two findings of the same trouble at
	// different moments the later knows more.
	trouble string
	// count is the calls that failed so far, and last when the last one did.
	count uint64
	last  time.Time
	// goesOn says that it is there whether or not calls fail: ports that are full, SYNs that wait.
	goesOn bool
	// unsettled says that what fills a port space shows no more why it was full: the cause that
	// was found before stands.
	unsettled bool
	// early says that what was watched is too short for the cause: any that is found later takes its place.
	early bool
	// forecast is what the summary says will happen; empty if it has happened.
	forecast string
	// local says that the peer that does not answer has an address of this host.
	local bool
	// netns is the name of its network namespace, else the inode; empty: it has none.
	netns string
}

// Key identifies a finding among those of a snapshot or a History.
type Key struct {
	ID    string
	Netns uint32
}

// Key returns what identifies the finding.
func (f *Finding) Key() Key { return Key{f.ID, f.Subject.Netns} }

// Name returns the ID, with the network namespace if the ID is that of another one of the findings,
// too.
func (f *Finding) Name(among []Finding) string {
	for i := range among {
		if among[i].ID == f.ID && among[i].Key() != f.Key() {
			return f.inNetns()
		}
	}
	return f.ID
}

// IsNamed reports whether a user means the finding by the name: its cause, its ID, or ID@NAMESPACE.
func (f *Finding) IsNamed(name string) bool {
	return name == string(f.Cause) || name == f.ID || name == f.inNetns()
}

func (f *Finding) inNetns() string { return f.ID + "@" + f.netns }

// Evidence is one figure or fact that a finding follows from.
type Evidence struct {
	Text  string // with its figures, complete in itself
	Value float64
	Unit  string // of Value: "ports", "connections/s", "seconds" ...; empty: the text alone
	At    time.Time
	Proc  event.Process // whose figure it is, of a program the process with most of it; zero: of none
}

// Victim is a process that suffers from a finding.
type Victim struct {
	Proc     event.Process
	Failures uint64
	Last     time.Time
}

// Safety is how safe a piece of advice is to follow.
type Safety uint8

const (
	Safe       Safety = iota // can be typed as it is
	CheckFirst               // read the risk before; may hold placeholders in <angle brackets>
	LastResort
)

// String returns the name used in output.
func (s Safety) String() string { return [...]string{"safe", "check_first", "last_resort"}[s] }

// Words returns what to mind before following the advice.
func (s Safety) Words() string {
	return [...]string{"safe", "check the risk first", "last resort"}[s]
}

// Advice is one thing to change.
type Advice struct {
	Action  string // what, in a sentence
	Command string // the exact lines, with values computed from what was measured; empty: none
	Undo    string // the lines that take it back
	Risk    string
	Safety  Safety
	Effect  string // what the simulation says it does to this load; empty: not simulated

	change change // what Effects simulates
	fails  bool   // the load fails with it as well, as Effects has found
}

// FirstAdvice returns the piece of advice with the least risk that suffices by its effect, the first one
// if none does or Effects was not called; nil: there is none.
func (f *Finding) FirstAdvice() *Advice {
	for i := range f.Advice {
		if !f.Advice[i].fails {
			return &f.Advice[i]
		}
	}
	if len(f.Advice) == 0 {
		return nil
	}
	return &f.Advice[0]
}

// Subject is the rows of the snapshot that a finding is about; what does not apply is zero.
type Subject struct {
	Netns  uint32
	Proc   event.ProcID
	Local  event.Addr
	Remote event.Endpoint
	Port   uint16 // a local port that is in the way
}
