package live

import "github.com/porttrace/porttrace/internal/event"

// counts is what is counted after a scan, from time to time, beside the reading of events.
type counts struct {
	failing failing // for the reader of the events; all else is for the goroutine of the scan
	files   *fileCounts
	udp     *udpCounts
}

func newCounts(udp udpLister, selected func(event.ProcID) bool) *counts {
	return &counts{failing: newFailing(), files: newFileCounts(selected), udp: newUDPCounts(udp, selected)}
}

// count returns what is due, as events without a time.
func (c *counts) count(s scanner, targets []target, scanned []event.NetnsScan, failed failedNow) (events []event.Event) {
	if now := monotonic(); c.udp.due(targets, failed.udp, now) {
		events = c.udp.count(targets, failed.udp, now)
	}
	if now := monotonic(); c.files.due(now) {
		owners := socketOwners(s, scanned)
		for id, n := range c.udp.owners {
			owners[id] += n
		}
		events = append(events, c.files.count(owners, failed.processes, now)...)
	}
	return events
}

// repeat has all counted and reported next time. It must not be called while a scan is running.
func (c *counts) repeat() {
	if c == nil {
		return
	}
	c.udp.next, c.files.next = 0, 0
	for id, counted := range c.files.followed {
		counted.at = -event.Time(filesRepeated)
		c.files.followed[id] = counted
	}
}

// socketOwners returns how many TCP sockets each process has, as far as a scan has shown.
func socketOwners(s scanner, scanned []event.NetnsScan) map[event.ProcID]int {
	if x, ok := s.(*iterScanner); ok {
		if owners := x.owners(); owners != nil {
			return owners
		}
	}
	return ownersOf(scanned)
}
