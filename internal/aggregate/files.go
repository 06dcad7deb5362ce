package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// files has the newest count of the open files of processes. Two generations bound it: when the
// young one is full the old one is dropped. A count is repeated every minute.
type files struct {
	young, old map[event.ProcID]*event.FileUse
}

// maxYoungFiles processes are kept at least, twice as many at most.
const maxYoungFiles = 4096

func (f *files) add(id event.ProcID, use *event.FileUse) {
	if f.young == nil || len(f.young) >= maxYoungFiles {
		f.old, f.young = f.young, map[event.ProcID]*event.FileUse{}
	}
	f.young[id] = use
}

// of returns the newest count of a process, nil if there is none.
func (f *files) of(id event.ProcID) *event.FileUse {
	if use := f.young[id]; use != nil {
		return use
	}
	return f.old[id]
}

// nearLimit returns the processes that are near their limit, ordered.
func (f *files) nearLimit() []event.ProcID {
	var list []event.ProcID
	for _, generation := range []map[event.ProcID]*event.FileUse{f.young, f.old} {
		for id := range generation {
			if f.of(id).NearLimit() {
				list = append(list, id)
			}
		}
	}
	slices.SortFunc(list, compareProc)
	return slices.Compact(list)
}

// addFiles takes a count. A process near its limit has a row from then on, whatever else is known
// of it.
func (s *State) addFiles(e *event.Event, use *event.FileUse) {
	if !e.Proc.Known() || e.Flags.Has(event.NotSelected) {
		return
	}
	s.files.add(e.Proc, use)
	if use.NearLimit() {
		s.process(e.Proc, e)
	}
}
