// Package compare says what differs between two spans of time: two recordings, or two parts of one.
package compare

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Kind is what has changed.
type Kind string

// All kinds, in the order of their meaning: a setting can be the cause of the rest.
const (
	Setting  Kind = "setting"  // of a namespace
	Failures Kind = "failures" // per second, of a program, towards a target, for a reason
	Opens    Kind = "opens"    // per second, of a program towards a destination
	Held     Kind = "held"     // ports that a program holds of a port space at the end
	Space    Kind = "space"    // the most ports of a port space that were in use
	Lifetime Kind = "lifetime" // seconds, the median of a program's connections
)

// Change is one difference. Before and After are of the baseline and of what is compared with it.
type Change struct {
	Kind          Kind
	Before, After float64
	Program       snapshot.GroupKey // of opens, failures, held and lifetime
	Netns         string            // the name of the namespace
	Proto         event.Proto
	Local         event.Addr     // of a port space
	Remote        event.Endpoint // of a port space, or the target of a call; zero: none
	Reason        event.Reason   // of failures
	Op            event.Op       // likewise
	Capacity      int            // of a port space
	Name          string         // of a setting
	From, To      string         // its values
	score         float64
}

// Factor returns how many times as much it is as it was: infinite if it was nothing.
func (c *Change) Factor() float64 { return c.After / c.Before }

const (
	leastRate  = 0.2 // per second: less is no load
	leastPorts = 20
	leastLives = 10  // connections that have ended: of fewer there is no median
	leastRatio = 1.3 // less is noise
	certain    = 3.0 // standard deviations of a count
)

// Changes returns the differences, settings first, then the largest ones.
func Changes(before, after *snapshot.Snapshot) []Change {
	c := &comparison{before: before, after: after}
	c.settings()
	c.failures()
	c.groups()
	c.spaces()
	slices.SortStableFunc(c.list, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank(b.Kind), rank(a.Kind)), cmp.Compare(b.score, a.score))
	})
	return c.list
}

// rank has settings before what is measured.
func rank(k Kind) int {
	if k == Setting {
		return 1
	}
	return 0
}

type comparison struct {
	before, after *snapshot.Snapshot
	list          []Change
}

// add adds a change, scored by its ratio and, less, by its size. floor is what does not count as a
// difference.
func (c *comparison) add(one Change, floor float64) {
	low, high := min(one.Before, one.After), max(one.Before, one.After)
	if high < floor || (high+floor/10)/(low+floor/10) < leastRatio {
		return
	}
	one.score = math.Log((high+floor)/(low+floor)) * (1 + math.Log10(high/floor))
	c.list = append(c.list, one)
}

// addCounts adds a change of a rate, if the counts are not such as chance makes them.
func (c *comparison) addCounts(one Change, before, after uint64) {
	then, now := seconds(c.before), seconds(c.after)
	one.Before, one.After = float64(before)/then, float64(after)/now
	deviation := math.Sqrt(float64(before)/(then*then) + float64(after)/(now*now))
	if math.Abs(one.After-one.Before) > certain*deviation {
		c.add(one, leastRate)
	}
}

func seconds(s *snapshot.Snapshot) float64 { return max(s.Elapsed, time.Second).Seconds() }

// each calls f for each key of either with both values, in the order of what is now and then of what
// was before.
func each[K comparable, V any](before, after []V, key func(*V) K, f func(before, after *V)) {
	was := map[K]*V{}
	for i := range before {
		if k := key(&before[i]); was[k] == nil {
			was[k] = &before[i]
		}
	}
	var none V
	seen := map[K]bool{}
	for i := range after {
		k := key(&after[i])
		if seen[k] {
			continue
		}
		seen[k] = true
		f(cmp.Or(was[k], &none), &after[i])
	}
	for i := range before {
		if k := key(&before[i]); !seen[k] {
			seen[k] = true
			f(&before[i], &none)
		}
	}
}
