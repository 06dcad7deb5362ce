package procinfo

import (
	"errors"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	maxKnownAncestors = 1024
	// A process can change its program, or end and leave its pid to another one: whether it is
	// the same is checked after checkAge, and all is read again after readAge.
	checkAge = 100 * time.Millisecond
	readAge  = 10 * time.Second
	// A parent that has ended is known for this time.
	endedAge = time.Second
)

// Ancestry reads the ancestors of processes. It remembers those of the parents that it has met:
// a shell loop starts a thousand programs. The zero value is ready, and is for one goroutine.
type Ancestry struct {
	known map[uint32]lineage // by the pid of a parent
}

// lineage is a process with its ancestors.
type lineage struct {
	list    []event.Ancestor // the process first
	stat    stat
	read    time.Time
	checked time.Time
}

// Of returns the ancestors of a process, by its parent's pid: the parent first, event.MaxAncestors
// at most. Those that have ended are not known, nor are the ones before them. born is when the
// process started: whatever has started later is none of its ancestors, but another process with
// the pid of one.
func (a *Ancestry) Of(parent uint32, born uint64) []event.Ancestor {
	known, ok := a.known[parent]
	now := time.Now()
	if ok && now.Sub(known.checked) < checkAge && known.stat.start <= born {
		return known.list
	}
	st, err := readStat(parent)
	if ok && errors.Is(err, ErrNoProcess) && now.Sub(known.checked) < endedAge && known.stat.start <= born {
		return known.list // the last program of a loop is reported when the loop has ended
	}
	if parent == 0 || err != nil || st.start > born {
		return nil
	}
	if ok && known.stat == st && now.Sub(known.read) < readAge {
		known.checked = now
		a.known[parent] = known
		return known.list
	}
	if a.known == nil || len(a.known) >= maxKnownAncestors {
		a.known = map[uint32]lineage{}
	}
	list := slices.Clip(ancestors(parent, st))
	a.known[parent] = lineage{list, st, now, now}
	return list
}

// ancestors returns a process and its ancestors.
func ancestors(pid uint32, st stat) (list []event.Ancestor) {
	for {
		list = append(list, ancestor(pid, st))
		if len(list) == event.MaxAncestors || st.ppid == 0 {
			return list
		}
		above, err := readStat(st.ppid)
		if err != nil || above.start > st.start {
			return list
		}
		pid, st = st.ppid, above
	}
}

func ancestor(pid uint32, st stat) event.Ancestor {
	p := event.Process{ID: event.ProcID{PID: pid, Start: st.start}, Comm: st.comm}
	ReadCommand(&p)
	return event.Ancestor{ID: p.ID, Comm: p.Comm, Script: p.Script}
}
