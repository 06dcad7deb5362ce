package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// addUnsent appends the processes whose facts had no room in the ring: as /proc has them if
// they still run, else with the name that the kernel side has kept.
func (s *Source) addUnsent(dst []event.Event, now event.Time) ([]event.Event, error) {
	unsent, err := s.probe.ReadUnsent()
	for i := range unsent {
		p := &unsent[i]
		if found, err := procinfo.Read(p.ID.PID); err == nil && found.ID == p.ID {
			*p = found
		}
		dst = append(dst, event.Event{Time: now, Kind: event.ProcessKnown, Proc: p.ID, Fact: p})
	}
	return dst, err
}
