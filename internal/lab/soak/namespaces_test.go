package soak

import (
	"flag"
	"testing"
	"time"
)

var namespaces = flag.Int("namespaces", 200, "how many namespaces come and go in TestNamespaces")

// Every failure in namespaces that come and go is counted, also if one has the inode of another that
// ended a moment ago.
func TestNamespaces(t *testing.T) {
	needHost(t)
	p := start(t, nil, "report", "-v", "--json", "-d", "1h", "--comm", shortLived)
	pid := p.Cmd.Process.Pid
	before := usageOf(t, pid)
	for range *namespaces {
		noError(t, comeAndGo())
	}
	time.Sleep(settle)
	after := usageOf(t, pid)
	p.End(t)
	r := parseReport(t, p.Stdout.String())
	if got, want := r.Totals.ConnectFailures, uint64(*namespaces); got > want || got+r.Health.Missed < want {
		t.Errorf("%d of %d failures, %d runs skipped", got, want, r.Health.Missed)
	}
	t.Logf("before: %s; after %d: %s", before, *namespaces, after)
	if after.files > before.files+8 || after.threads > before.threads+8 {
		t.Errorf("it holds more: before %s, after %s", before, after)
	}
}
