package soak

import (
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/hostagent"
)

const (
	// manyDestinations is more than any table has rows for.
	manyDestinations = 150_000
	scanner          = "soak-scanner"
)

// In a memory cgroup of 64 MiB every command counts what is tried towards very many destinations, as by a
// scan of ports, and is not killed.
func TestManyDestinations(t *testing.T) {
	inSmallMemory(t, smallLoad{name: scanner, run: func(t *testing.T) func(*testing.T, *report) {
		unseen := tryMany(t)
		return func(t *testing.T, r *report) { checkMany(t, r, unseen) }
	}})
}

// tryMany tries a connection to each of very many destinations, which refuse it. It returns how many state
// changes no program sees for the agent of the host, at most.
func tryMany(t *testing.T) (unseen uint64) {
	t.Helper()
	changes, err := hostagent.Count()
	noError(t, err)
	defer changes.Close()
	n, err := lab.NewStormNetns()
	noError(t, err)
	defer func() { noError(t, n.Close()) }()
	first := netip.MustParseAddrPort("127.32.0.1:81")
	client := &lab.Client{To: []netip.AddrPort{first}, Spread: manyDestinations, Count: manyDestinations, For: 5 * time.Minute}
	noError(t, n.Run(scanner, client, &lab.Result{}))
	time.Sleep(settle)
	unseen, err = changes.Count()
	noError(t, err)
	return unseen
}

// checkMany compares a report with what was tried: the totals have all, and so have the rows with what is
// counted of those that had to go. Runs of programs may have been skipped.
func checkMany(t *testing.T, r *report, unseen uint64) {
	t.Helper()
	if all := r.Totals.ConnectFailures; all+r.Health.Missed+unseen < manyDestinations {
		t.Errorf("%d failures of %d, %d runs skipped and %d not begun", all, manyDestinations, r.Health.Missed, unseen)
	}
	if r.OtherDestinations == nil {
		t.Fatalf("%d destinations, and no others", len(r.Destinations))
	}
	sum := *r.OtherDestinations
	for _, one := range r.Destinations {
		sum.Opens, sum.ConnectFailures = sum.Opens+one.Opens, sum.ConnectFailures+one.ConnectFailures
	}
	if sum != r.Totals {
		t.Errorf("the destinations sum up to %+v, the totals are %+v", sum, r.Totals)
	}
}
