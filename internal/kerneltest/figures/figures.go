// Package figures takes what kernel tests measure to the tables of docs/accuracy.md. A
// test prints each figure as a line, wherever it runs; Collect finds the lines in the
// output and puts them into the tables.
package figures

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// Accuracy is how well a signal was seen in one run.
type Accuracy struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	Hooks  string `json:"hooks"`
	Signal string `json:"signal"`
	Mode   string `json:"mode"`
	Right  int    `json:"right"`
	Wrong  int    `json:"wrong"`
	Missed int    `json:"missed"`

	Skipped int `json:"skipped"` // runs that the kernel skipped and counted: each can be one missed
}

// Precision returns the part of what was reported that is true.
func (a Accuracy) Precision() float64 { return part(a.Right, a.Wrong) }

// Recall returns the part of what is true that was reported.
func (a Accuracy) Recall() float64 { return part(a.Right, a.Missed) }

// bound returns the bound of the rate of errors: of what was reported, or of what is true, whichever
// is worse.
func (a Accuracy) bound() string {
	return boundText(max(a.Wrong, a.Missed), a.Right+max(a.Wrong, a.Missed))
}

func part(right, not int) float64 {
	if right+not == 0 {
		return 1
	}
	return float64(right) / float64(right+not)
}

func (a Accuracy) String() string { return line(accuracyPrefix, a) }

// Setup is how much of a load was reported rightly on a network of some kind.
type Setup struct {
	Setup  string `json:"setup"`
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	Right  int    `json:"right"` // facts: the two ends of an open, its owner, and so on
	Wrong  int    `json:"wrong"`
	Missed int    `json:"missed"`
}

func (s Setup) String() string { return line(setupPrefix, s) }

// Privilege is what a user with some capabilities has of one thing.
type Privilege struct {
	What string `json:"what"`
	With string `json:"with"`
	Has  string `json:"has"`
}

func (p Privilege) String() string { return line(privilegePrefix, p) }

// Forecast is how often the intervals of forecasts had the true moment in them, for loads of
// one kind.
type Forecast struct {
	Load   string `json:"load"`
	Where  string `json:"where"`  // simulated, or the kernel
	Loads  int    `json:"loads"`  // how many of the kind
	Silent int    `json:"silent"` // moments without a forecast
	Held   int    `json:"held"`
	Missed int    `json:"missed"`
	Both   int    `json:"both_ends"` // of held and missed: intervals with an earliest and a latest moment
	// BothMissed is how many of Both were missed.
	BothMissed int `json:"both_missed"`
	Never      int `json:"never"`       // of held and missed: forecasts of never
	False      int `json:"never_false"` // of never: the space was full within ten minutes
}

func (f Forecast) String() string { return line(forecastPrefix, f) }

// Cause is how well the doctor found a cause in real loads (internal/incidents).
type Cause struct {
	Cause    string `json:"cause"`
	Kernel   string `json:"kernel"`
	Right    int    `json:"right"`    // loads with the cause, found with its process
	Missed   int    `json:"missed"`   // loads with the cause, not found
	False    int    `json:"false"`    // findings of the cause, warning or critical, in loads that do not have it
	Followed int    `json:"followed"` // of right: the advice was followed
	Gone     int    `json:"gone"`     // of followed: nothing was found any more
}

func (c Cause) String() string { return line(causePrefix, c) }

const (
	accuracyPrefix  = "accuracy: "
	privilegePrefix = "privilege: "
	forecastPrefix  = "forecast: "
	causePrefix     = "cause: "
	setupPrefix     = "set-up: "
	// Privileges is the name of their table. Each signal's is its own.
	Privileges = "privileges"
	// Forecasts is the name of theirs.
	Forecasts = "forecast"
	// Causes is the name of theirs.
	Causes = "causes"
	// Setups is the name of theirs.
	Setups = "setups"
)

func line(prefix string, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	return prefix + string(text)
}

// cell is a figure's place in the tables.
type cell struct{ table, row, column, text string }

func (a Accuracy) cell() cell {
	return cell{a.Signal, a.Kernel + " " + a.Arch, a.Hooks, a.text()}
}

// text rounds down: 1.000 is every one.
func (a Accuracy) text() string {
	if a.Mode == "off" {
		return a.Mode
	}
	down := func(f float64) float64 { return math.Floor(f*1000) / 1000 }
	text := fmt.Sprintf("%s %.3f %.3f %d %s", a.Mode, down(a.Precision()), down(a.Recall()), a.Right+a.Missed, a.bound())
	if a.Missed > 0 && a.Skipped > 0 {
		text += fmt.Sprintf(" (%d skipped)", a.Skipped)
	}
	return text
}

func (s Setup) cell() cell {
	worst := max(s.Wrong, s.Missed)
	text := fmt.Sprintf("right %d, wrong %d, missed %d %s", s.Right, s.Wrong, s.Missed, boundText(worst, s.Right+worst))
	return cell{Setups, s.Kernel + " " + s.Arch, s.Setup, text}
}

func (p Privilege) cell() cell { return cell{Privileges, p.What, p.With, p.Has} }

func (f Forecast) cell() cell {
	text := fmt.Sprintf("%d loads: held %d, missed %d (%.1f %%); both ends %d, missed %d; never %d, false %d; none %d",
		f.Loads, f.Held, f.Missed, math.Floor(1000*part(f.Held, f.Missed))/10, f.Both, f.BothMissed, f.Never, f.False, f.Silent)
	return cell{Forecasts, f.Load, f.Where, text}
}

func (c Cause) cell() cell {
	text := fmt.Sprintf("right %d, missed %d, false %d", c.Right, c.Missed, c.False)
	if c.Followed > 0 {
		text += fmt.Sprintf("; gone %d of %d", c.Gone, c.Followed)
	}
	return cell{Causes, c.Cause, c.Kernel, text}
}

// parse finds a figure in a line of output, whatever stands before it.
func parse(text string) (c cell, found bool, err error) {
	for prefix, figure := range map[string]interface{ cell() cell }{
		accuracyPrefix: &Accuracy{}, privilegePrefix: &Privilege{}, forecastPrefix: &Forecast{}, causePrefix: &Cause{}, setupPrefix: &Setup{},
	} {
		if _, rest, ok := strings.Cut(text, prefix+"{"); ok {
			err := json.Unmarshal([]byte("{"+rest), figure)
			return figure.cell(), true, err
		}
	}
	return c, false, nil
}

// Collect puts the figures of an output into the tables of a document, and returns the document
// and their number.
func Collect(doc, output string) (string, int, error) {
	count := 0
	for text := range strings.Lines(output) {
		c, found, err := parse(strings.TrimSpace(text))
		if err != nil {
			return "", 0, fmt.Errorf("%q: %w", text, err)
		}
		if !found {
			continue
		}
		count++
		table, err := Find(doc, c.table)
		if err != nil {
			return "", 0, err
		}
		table.dropOlder(c.row)
		table.set(c.row, c.column, c.text)
		doc = table.putInto(doc)
	}
	return doc, count, nil
}

var digits = regexp.MustCompile(`[0-9]+`)

// series returns a release without what changes from one update to the next.
func series(row string) string {
	version := digits.FindAllString(row, 2)
	return strings.Join(version, ".") + digits.ReplaceAllString(row, "")
}
