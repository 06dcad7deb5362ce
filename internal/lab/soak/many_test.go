package soak

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/built"
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
	needHost(t)
	t.Run("report", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		p := start(t, group, "report", "-v", "--json", "-d", "1h")
		unseen := tryMany(t)
		p.End(t)
		checkMany(t, parseReport(t, p.Stdout.String()), unseen)
		group.check(t)
	})
	t.Run("record", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		file := filepath.Join(t.TempDir(), "many.ptrace")
		p := start(t, group, "record", "-v", "-o", file)
		unseen := tryMany(t)
		p.End(t)
		line := group.within([]string{binary, "report", "--json", file}) // a recording is read in it, too
		text, err := exec.Command(line[0], line[1:]...).Output()
		noError(t, err)
		checkMany(t, parseReport(t, string(text)), unseen)
		group.check(t)
	})
	t.Run("screen", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		term := showScreen(t, group)
		tryMany(t)
		noError(t, term.Press("2")) // the processes
		_, err := term.AwaitText(built.Bound, scanner)
		noError(t, err, term.Press("q"), term.Wait(built.Bound))
		group.check(t)
	})
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
