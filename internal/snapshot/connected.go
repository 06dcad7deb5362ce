package snapshot

import "math"

// ConnectedSeconds is how far back Connected looks.
const ConnectedSeconds = 20

// Connected returns how many of the newest attempts to connect to the destination led to a
// connection, at least, and how many attempts there were.
func (d *Destination) Connected() (connected, of int) {
	failures, points := 0, d.History.Points()
	for _, p := range points[max(len(points)-ConnectedSeconds, 0):] {
		of, failures = of+int(p.Opens), failures+int(p.Failures)
	}
	// Sent within the seconds in which an answer may come or the SYN be sent again, those of the
	// second that is not whole yet included: they can be neither yet.
	fresh := int(math.Ceil(d.Rates.Opens))
	for _, p := range points[max(len(points)-2, 0):] {
		fresh += int(p.Opens)
	}
	open := max(int(d.Live()-d.SynSent)-fresh, 0)
	connected = min(of-failures-int(d.SynSent), int(min(d.ClosesOut, math.MaxInt32))+open)
	return max(connected, 0), of
}
