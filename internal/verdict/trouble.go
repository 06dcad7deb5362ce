package verdict

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// kind orders troubles of one level: the first is what the user has come for.
type kind uint8

const (
	outOfPorts kind = iota
	portTaken
	noAnswer
	filling
	otherCalls
	otherFinding
)

// trouble is one thing that is wrong.
type trouble struct {
	level Level
	kind  kind
	rate  float64       // failures/s: the higher comes first
	count uint64        // failures in all: the same
	left  time.Duration // until the space is full: the shorter comes first
	title string
	lines []string
	short string // in one line, for Verdict.More
	do    string // what to change first if no finding advises it

	write func(*trouble) // sets the words, nil if they are there: few of a thousand troubles are shown

	finding *doctor.Finding // that explains it, nil if none does
	space   *snapshot.PortSpace
	failure *snapshot.Failure
	process event.ProcID
}

// collector gathers the troubles of one snapshot.
type collector struct {
	s        *snapshot.Snapshot
	findings []doctor.Finding // that go on, the most urgent first
	over     []doctor.Finding
	ofSpaces spaceFindings
	used     map[doctor.Key]bool // the findings that a trouble has
	troubles []trouble
	early    map[earlyKey]bool // namespaces and programs that bind before they connect
	ends     snapshot.Ends
	procs    processes // once they are needed
	// explained are the calls that found no port of a space in trouble.
	explained map[*snapshot.Failure]bool
	harmless  []string // sentences on failures that harm no one
}

func newCollector(s *snapshot.Snapshot, findings []doctor.Finding) *collector {
	c := &collector{s: s, ends: snapshot.NewEnds(s), used: map[doctor.Key]bool{}, early: map[earlyKey]bool{}, explained: map[*snapshot.Failure]bool{}}
	for _, f := range doctor.Sorted(findings, true) {
		if f.Until.IsZero() {
			c.findings = append(c.findings, f)
		} else if f.Severity > doctor.Info {
			c.over = append(c.over, f)
		}
	}
	c.ofSpaces = newSpaceFindings(c.findings)
	return c
}

func (c *collector) add(t trouble) {
	if t.finding != nil {
		c.used[t.finding.Key()] = true
	}
	c.troubles = append(c.troubles, t)
}

// sort puts the most urgent trouble first; the order of rows decides between equal ones.
func (c *collector) sort() {
	slices.SortStableFunc(c.troubles, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(a.kind, b.kind),
			cmp.Compare(b.rate, a.rate), cmp.Compare(b.count, a.count), cmp.Compare(a.left, b.left))
	})
}

// maxMore bounds the further troubles that are listed.
const maxMore = 8

// verdict returns the first trouble, and the others in short.
func (c *collector) verdict() Verdict {
	t := c.written(0)
	v := Verdict{Level: t.level, Title: t.title, Lines: t.lines, Do: t.do, Space: t.space, Failure: t.failure, Process: t.process}
	if f := t.finding; f != nil {
		v.Finding = f.Key()
		v.Do = cmp.Or(firstThing(f), t.do)
	}
	if phrase.CensusOnly(c.s) {
		v.Lines = append(v.Lines, c.invisible()...)
	}
	for i := range c.troubles[1:] {
		if len(v.More) == maxMore {
			v.More = append(v.More, phrase.Plural(len(c.troubles)-1-maxMore, "more trouble"))
			break
		}
		v.More = append(v.More, c.written(i+1).short)
	}
	return v
}

// written returns a trouble with its words.
func (c *collector) written(i int) *trouble {
	t := &c.troubles[i]
	if t.write != nil {
		t.write(t)
	}
	return t
}

// firstThing returns what to change first, without how and why: those are on the page of the
// finding. It is empty if nothing is advised.
func firstThing(f *doctor.Finding) string {
	first := f.FirstAdvice()
	if first == nil {
		return ""
	}
	return clause(first.Action)
}

// clause returns a sentence up to its first colon, semicolon or full stop, those in parentheses
// apart.
func clause(sentence string) string {
	sentence = printable.String(sentence)
	depth := 0
	for i, r := range sentence {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0 && (r == ':' || r == '.' || r == ';') && strings.HasPrefix(sentence[i+1:], " "):
			return sentence[:i]
		}
	}
	return strings.TrimSuffix(sentence, ".")
}

// find returns the most urgent finding that goes on and is wanted, nil without one.
func (c *collector) find(wanted func(*doctor.Finding) bool) *doctor.Finding {
	for i := range c.findings {
		if wanted(&c.findings[i]) {
			return &c.findings[i]
		}
	}
	return nil
}
