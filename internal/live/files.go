package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

const (
	// filesInterval is how often open files are counted, which takes some 3 us for a process.
	filesInterval = 5 * time.Second
	// mostSockets is how many of the processes with the most sockets are followed.
	mostSockets = 64
	// filesInTurn is how many of the others are checked each time, in turn: every process with a
	// socket can come near its limit, and there are thousands.
	filesInTurn = 1024
	// maxFollowed bounds the processes that are followed, near their limit or not.
	maxFollowed = 1024
	// failedRecently is for how long a process whose calls failed is followed.
	failedRecently = time.Minute
	// maxFailing bounds those.
	maxFailing = 64
	// filesRepeated is how often a count is repeated that has not changed: a reader of a part of
	// a recording needs it.
	filesRepeated = time.Minute
)

// fileCounts finds processes near their file limit. No hook shows that socket() or accept()
// fails with EMFILE, so the open files are counted: of the processes with the most sockets, of those
// whose calls fail, and of all others with a socket in turn, which are reported only near their
// limit. It is for one goroutine at a time.
type fileCounts struct {
	// selected reports whether --pid selects the process, nil: it selects all.
	selected func(event.ProcID) bool
	interval time.Duration
	next     event.Time
	followed map[event.ProcID]countedFiles
	turn     event.ProcID // up to which process the others have been counted
	read     func(pid uint32) (event.FileUse, error)
	started  func(pid uint32) (uint64, error)
}

// countedFiles is what was reported of a process last.
type countedFiles struct {
	use event.FileUse
	at  event.Time
}

func newFileCounts(selected func(event.ProcID) bool) *fileCounts {
	return &fileCounts{
		selected: selected, interval: filesInterval, followed: map[event.ProcID]countedFiles{}, read: procinfo.Files, started: procinfo.StartTicks,
	}
}

func (f *fileCounts) due(now event.Time) bool { return now >= f.next }

// count returns a FilesCounted for each process of which there is something to report. owners has
// the number of sockets of each process that has any.
func (f *fileCounts) count(owners map[event.ProcID]int, failing []event.ProcID, now event.Time) []event.Event {
	f.next = now.Add(f.interval)
	top, others := f.rank(owners)
	var events []event.Event
	done := map[event.ProcID]bool{}
	check := func(id event.ProcID, follow bool) {
		if !id.Known() || done[id] || f.selected != nil && !f.selected(id) {
			return
		}
		done[id] = true
		if use := f.check(id, follow, now); use != nil {
			events = append(events, event.Event{Time: now, Kind: event.FilesCounted, Proc: id, Count: 1, Fact: use})
		}
	}
	for _, id := range f.sortedFollowed() {
		check(id, true)
	}
	for _, id := range failing {
		check(id, true)
	}
	for _, id := range top {
		check(id, true)
	}
	for _, id := range f.inTurn(others) {
		check(id, false)
	}
	return events
}

// check returns the count of a process if it is to be reported. follow says that it is wanted
// although the process is not near its limit.
func (f *fileCounts) check(id event.ProcID, follow bool, now event.Time) *event.FileUse {
	use, err := f.read(id.PID)
	if err != nil {
		delete(f.followed, id) // it has ended, or its files may not be counted
		return nil
	}
	last, was := f.followed[id]
	switch {
	case !was && !use.NearLimit() && (!follow || len(f.followed) >= maxFollowed):
		return nil
	case !was && len(f.followed) >= 2*maxFollowed:
		return nil
	case was && !last.changed(use) && now.Sub(last.at) < filesRepeated:
		return nil
	}
	// Read last: what came before was of this process if it is there now.
	if start, err := f.started(id.PID); err != nil || start != id.Start {
		delete(f.followed, id)
		return nil
	}
	f.followed[id] = countedFiles{use, now}
	return &use
}

// changed reports whether the count differs by more than a few percent, or by little near the
// limit.
func (c *countedFiles) changed(now event.FileUse) bool {
	if now.Limit != c.use.Limit || now.NearLimit() != c.use.NearLimit() {
		return true
	}
	diff := max(now.Open, c.use.Open) - min(now.Open, c.use.Open)
	if now.NearLimit() {
		return diff > 0
	}
	return diff > max(c.use.Open/20, 3)
}

// rank returns the processes with the most sockets, and the others in the order of their ids.
func (f *fileCounts) rank(owners map[event.ProcID]int) (top, others []event.ProcID) {
	all := make([]event.ProcID, 0, len(owners))
	for id := range owners {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b event.ProcID) int {
		return cmp.Or(cmp.Compare(owners[b], owners[a]), compareIDs(a, b))
	})
	shown := min(len(all), mostSockets)
	top, others = all[:shown], all[shown:]
	slices.SortFunc(others, compareIDs)
	return top, others
}

// inTurn returns those of the others whose turn it is.
func (f *fileCounts) inTurn(others []event.ProcID) []event.ProcID {
	at, _ := slices.BinarySearchFunc(others, f.turn, compareIDs)
	turn := others[at:min(at+filesInTurn, len(others))]
	f.turn = event.ProcID{} // from the first on again
	if at+filesInTurn < len(others) {
		f.turn = others[at+filesInTurn]
	}
	return turn
}

func (f *fileCounts) sortedFollowed() []event.ProcID {
	list := make([]event.ProcID, 0, len(f.followed))
	for id := range f.followed {
		list = append(list, id)
	}
	slices.SortFunc(list, compareIDs)
	return list
}

func compareIDs(a, b event.ProcID) int {
	return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.Start, b.Start))
}

// ownersOf returns how many of the sockets that a scan has found each process has.
func ownersOf(scanned []event.NetnsScan) map[event.ProcID]int {
	owners := map[event.ProcID]int{}
	for _, one := range scanned {
		for _, e := range one.Sockets.All() {
			if e.Proc.Known() && e.State != event.StateTimeWait {
				owners[e.Proc]++
			}
		}
	}
	return owners
}
