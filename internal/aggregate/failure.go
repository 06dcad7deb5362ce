package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// failKey says which failures are one row: the same call of the same process, for the
// same thing, with the same result.
type failKey struct {
	proc   event.ProcID
	netns  uint32
	proto  event.Proto
	op     event.Op
	errno  event.Errno
	reason event.Reason
	target event.Endpoint
}

type failure struct {
	failKey
	info     *event.Process
	number   uint64
	inferred event.Field
	local    event.Endpoint
	count    uint64
	history  history.History
	first    event.Time
	last     event.Time
	ended    *netnsName // its namespace, if the inode is another's by now
}

func (s *State) fail(e *event.Event, n uint64) {
	key := failKey{e.Proc, e.Netns, e.Proto, e.Op, e.Errno, e.Reason, e.Dst}
	if e.Kind == event.BindFail {
		key.target = e.Src
	}
	f := s.failures[key]
	if f == nil {
		if len(s.failures) >= maxFailures {
			s.forgetFailures()
		}
		s.failuresMade++
		f = &failure{failKey: key, info: s.whois(e.Proc), number: s.failuresMade, inferred: e.Inferred, first: e.Time}
		s.failures[key] = f
	}
	// Repeats that come folded do not say from where.
	if e.Kind == event.ConnectFail && (!unspecified(e.Src.Addr) || !f.local.Known()) {
		f.local = e.Src
	}
	f.count += n
	f.history.Add(e.Time, snapshot.Point{Failures: uint32(n)})
	f.first = min(f.first, e.Time)
	f.last = max(f.last, e.Time)
	if e.First != 0 {
		f.first = min(f.first, e.First)
	}
}

// forgetFailures drops the eighth that is longest ago; the totals keep their number.
func (s *State) forgetFailures() {
	all := make([]*failure, 0, len(s.failures))
	for _, f := range s.failures {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *failure) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.number, b.number))
	})
	for _, f := range all[:len(all)/8] {
		delete(s.failures, f.failKey)
	}
}
