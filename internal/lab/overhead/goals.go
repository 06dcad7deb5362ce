package main

import "fmt"

// goal is a bound for one figure.
type goal struct {
	bound float64
	least bool // the figure must not be less; else it must not be more
}

func (g goal) met(figure float64) bool {
	if g.least {
		return figure >= g.bound
	}
	return figure <= g.bound
}

func (g goal) String() string {
	sign := "≤"
	if g.least {
		sign = "≥"
	}
	return fmt.Sprintf("%s %g", sign, g.bound)
}

// recordMode is the name of the mode that also writes a file, for which it may take more time.
const recordMode = "record"

// The goals, which hold with everything that is on by default.
var (
	keptGoal  = always(goal{0.97, true})
	runGoal   = always(goal{250, false})
	peakGoal  = always(goal{40, false})
	laterGoal = always(goal{30, false})
	idleGoal  = always(goal{2, false})
)

func always(g goal) func(*figures) goal { return func(*figures) goal { return g } }

// netGoal is higher for a storm that closes properly: that makes ten state changes a connection
// and a bucket, a reset six.
func netGoal(f *figures) goal {
	if f.storm == "rst" {
		return goal{1.5, false}
	}
	return goal{2, false}
}

func tracerGoal(f *figures) goal {
	if f.mode.name == recordMode {
		return goal{2, false}
	}
	return goal{1.5, false}
}
