package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// files has the newest count of the open files of processes. Two generations bound it: when the
// young one is full the old one is dropped. A count is repeated every minute.
type files struct {
	young, old map[event.ProcID]countedFiles
}

// countedFiles is a count. A filter by namespace or destination does not select it, but its process
// can have a row for its sockets.
type countedFiles struct {
	use      *event.FileUse
	selected bool
}

// maxYoungFiles processes are kept at least, twice as many at most.
const maxYoungFiles = 4096

func (f *files) add(id event.ProcID, counted countedFiles) {
	if f.young == nil || len(f.young) >= maxYoungFiles {
		f.old, f.young = f.young, map[event.ProcID]countedFiles{}
	}
	f.young[id] = counted
}

// of returns the newest count of a process, nil if there is none.
func (f *files) of(id event.ProcID) *event.FileUse { return f.newest(id).use }

func (f *files) newest(id event.ProcID) countedFiles {
	if counted := f.young[id]; counted.use != nil {
		return counted
	}
	return f.old[id]
}

// nearLimit returns the selected processes that are near their limit, ordered.
func (f *files) nearLimit() []event.ProcID {
	var list []event.ProcID
	for _, generation := range []map[event.ProcID]countedFiles{f.young, f.old} {
		for id := range generation {
			if counted := f.newest(id); counted.selected && counted.use.NearLimit() {
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
	if !e.Proc.Known() {
		return
	}
	selected := !e.Flags.Has(event.NotSelected)
	s.files.add(e.Proc, countedFiles{use, selected})
	if selected && use.NearLimit() {
		s.process(e.Proc, e)
	}
}
