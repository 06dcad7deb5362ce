package phrase

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Sweep returns one sentence for failures towards many targets:
// scanner (4242): connect() to 7,000 targets failed with ECONNREFUSED (refused), 200,000 times, 4,867.0/s now.
func Sweep(w *snapshot.Sweep) string {
	about := ""
	if w.Estimated {
		about = "about "
	}
	proto := ""
	if w.Proto != event.TCP {
		proto = w.Proto.String() + " "
	}
	return fmt.Sprintf("%s: %s%s() for %s%s targets failed with %s (%s), %s times, %.1f/s now",
		Process(w.Proc.ID, w.Proc.Comm), proto, w.Op, about, Grouped(w.Targets), w.Errno, w.Reason, Grouped(w.Count), w.Rate)
}
