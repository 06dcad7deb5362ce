package snapshot

import "testing"

// An attempt that still waits for its first answer has not led to a connection, nor has one that
// failed in the second that is not whole yet.
func TestConnected(t *testing.T) {
	t.Parallel()
	steady := func(p Point) []Point { return []Point{p, p, p, p, p, p, p, p, p, p} }
	for name, c := range map[string]struct {
		row  Destination
		want int
		of   int
	}{
		"none answers": {Destination{
			Totals:  Totals{Opens: 54, FailedOpens: 40, ConnectFailures: 40, SynSent: 4},
			Rates:   Rates{Opens: 5},
			History: HistoryOf(append([]Point{{Opens: 5}, {Opens: 5}, {Opens: 5}}, append(steady(Point{Opens: 5, Failures: 5})[:7], Point{})...)...),
		}, 0, 50},
		"all answer at once": {Destination{
			Totals: Totals{Opens: 50, ClosesOut: 50}, Rates: Rates{Opens: 5}, History: HistoryOf(steady(Point{Opens: 5, Closes: 5})...),
		}, 50, 50},
		"old connections end": {Destination{
			Totals: Totals{LiveBefore: 100, Opens: 50, FailedOpens: 50, ClosesOut: 100}, Rates: Rates{Opens: 5}, History: HistoryOf(steady(Point{Opens: 5, Closes: 10, Failures: 5})...),
		}, 0, 50},
		"they stay open": {Destination{
			Totals: Totals{Opens: 50}, Rates: Rates{Opens: 5}, History: HistoryOf(steady(Point{Opens: 5})...),
		}, 50 - 10 - 5, 50},
	} {
		if got, of := c.row.Connected(); got != c.want || of != c.of {
			t.Errorf("%s: %d of %d, want %d of %d", name, got, of, c.want, c.of)
		}
	}
}
