package metrics

import (
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// tally is what is counted of a program.
type tally struct {
	opens, closesOut, closesIn, closesUnknown, binds uint64

	failures []failures
}

// failureKey says which failures are one series.
type failureKey struct {
	op     event.Op
	errno  event.Errno
	reason event.Reason
}

type failures struct {
	failureKey
	count uint64
}

// maxFailureKeys bounds the series of a program's failures.
const maxFailureKeys = 24

// otherFailure counts what is beyond.
var otherFailure = failureKey{op: event.OpConnect}

// add counts an event. It returns for how many it stands, and how many of them failed.
func (t *tally) add(e *event.Event) (n, failed uint64) {
	n = max(e.Count, 1)
	switch e.Kind {
	case event.Open:
		t.opens += n
	case event.Close:
		switch e.Direction {
		case event.Out:
			t.closesOut += n
		case event.In:
			t.closesIn += n
		default:
			t.closesUnknown += n
		}
	case event.Bind:
		t.binds += n
	case event.ConnectFail, event.BindFail:
		t.fail(e, n)
		return n, n
	case event.Folded:
		return t.fold(e)
	case event.SocketFound: // it is there, and counts for nothing
	default:
		return 0, 0
	}
	return n, 0
}

func (t *tally) fold(e *event.Event) (n, failed uint64) {
	f, ok := e.Fact.(*event.Fold)
	if !ok {
		return 0, 0
	}
	t.opens += f.Opens
	t.closesOut += f.ClosesOut
	t.closesIn += f.ClosesIn
	t.closesUnknown += f.ClosesUnknown
	t.binds += f.Binds
	if f.ConnectFails > 0 {
		t.fail(e, f.ConnectFails)
	}
	return f.Opens + f.Closes() + f.Binds, f.ConnectFails
}

// callOf returns which call an event that failed is of. What came folded has none, and ended an Open.
func callOf(e *event.Event) event.Op {
	if e.Kind == event.BindFail {
		return e.Op
	}
	return event.OpConnect
}

// fail counts calls that failed.
func (t *tally) fail(e *event.Event, n uint64) {
	key := failureKey{callOf(e), e.Errno, e.Reason}
	at := slices.IndexFunc(t.failures, func(f failures) bool { return f.failureKey == key })
	if at < 0 && len(t.failures) >= maxFailureKeys {
		key = otherFailure
		at = slices.IndexFunc(t.failures, func(f failures) bool { return f.failureKey == key })
	}
	if at < 0 {
		at = len(t.failures)
		t.failures = append(t.failures, failures{failureKey: key})
	}
	t.failures[at].count += n
}

// clone returns a copy that does not change.
func (t *tally) clone() tally {
	c := *t
	c.failures = slices.Clone(t.failures)
	return c
}

// Counts are those of a Meter at a moment.
type Counts struct {
	Owners    []Owner             // those that are listed or were until now, and all others as the last
	Exhausted map[event.Op]uint64 // calls that found no port, of all programs
	Failed    map[event.Op]uint64 // calls that failed, likewise
}

// Owner is what a program has done while it was listed.
type Owner struct {
	ownerKey
	tally
}

// noCalls returns a count of each call that can fail. They are counted from 0 on: an increase from no series to
// one is none for Prometheus.
func noCalls() map[event.Op]uint64 {
	return map[event.Op]uint64{event.OpConnect: 0, event.OpBind: 0, event.OpListen: 0, event.OpAutobind: 0}
}

// Counts returns what has been counted.
func (m *Meter) Counts() *Counts {
	c := &Counts{Exhausted: maps.Clone(m.exhausted), Failed: maps.Clone(m.failed)}
	for _, list := range [][]*owner{m.listed, m.leaving} {
		for _, o := range list {
			c.Owners = append(c.Owners, Owner{o.key, o.clone()})
		}
	}
	c.Owners = append(c.Owners, Owner{otherOwner, m.others.clone()})
	return c
}
