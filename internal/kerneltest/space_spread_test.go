package kerneltest

import (
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Connections that would fill one space do not fill any if they go to many destinations.
func TestSpread(t *testing.T) {
	n := serverNet(t)
	noError(t, n.PortRange(32768, 60999))
	w := traceSpaces(t, n)
	run(t, n, "spread", &lab.Client{To: serverList(manyServers), Count: manyBuckets, Talk: true})
	snap := w.snapshot()
	if shown := shownBuckets(snap, n); len(shown.bySpace) != manyServers || shown.all < manyBuckets*99/100 {
		t.Errorf("%d buckets in %d spaces", shown.all, len(shown.bySpace))
	}
	for _, p := range spacesOf(snap, n) {
		if p.InUse()*10 > p.Capacity*8 || p.AtRisk(snap.Wall) || p.IsFull() || p.Exhausted > 0 {
			t.Errorf("%s", spaceText(&p))
		}
		if f := p.Forecast; p.Kind == snapshot.ConnectSpace && f.Known && !f.Never {
			t.Errorf("full at a rate of %.1f/s %s: %s", p.OpenRate, phrase.Forecast(&f), spaceText(&p))
		}
	}
}

// As many connections as there are ports, to one destination, leave no port. They are
// fewer than in TestSpread: beyond half of a full range each connect() takes milliseconds.
func TestConcentrated(t *testing.T) {
	const ports, tries = 8000, 200
	n := serverNet(t)
	narrow(t, n, ports)
	to := serverList(1)
	w := traceSpaces(t, n)
	w.awaitScans(n)
	culprit := run(t, n, "culprit", &lab.Client{To: to, Count: ports - tries/2, Talk: true})
	late := run(t, n, "late", &lab.Client{To: to, Count: tries, Talk: true})
	fails := late.ConnectErrors["EADDRNOTAVAIL"]
	wantCounts(t, culprit, ports-tries/2, 0)
	wantCounts(t, late, tries/2, tries/2)
	id := portspace.ID{Netns: n.Inode(), Local: endpoint(loopV4).Addr, Remote: endpoint(to[0])}
	row := w.awaitRow("all failures", id, func(p *snapshot.PortSpace) bool { return p.Exhausted == uint64(fails) })
	if !row.IsFull() || row.FullSince.IsZero() || row.Forecast.ETA != 0 || !row.Forecast.Known || row.TimeWait != ports {
		t.Errorf("%s, full since %s", spaceText(row), row.FullSince)
	}
	got := holders(row)
	if len(row.Holders) != 2 || row.Holders[0].Proc.Comm != "culprit" || got[culprit.PID] != culprit.Succeeded || got[late.PID] != late.Succeeded {
		t.Errorf("ports are held by %v, not by %d and %d", got, culprit.PID, late.PID)
	}
	if len(row.Victims) != 1 || row.Victims[0].Proc.ID.PID != uint32(late.PID) || row.Victims[0].Failures != uint64(fails) {
		t.Errorf("victims: %+v", row.Victims)
	}
	snap := w.snapshot()
	for _, p := range spacesOf(snap, n) {
		if p.AtRisk(snap.Wall) != (p.Remote == id.Remote) {
			t.Errorf("at risk: %v, %s", p.AtRisk(snap.Wall), spaceText(&p))
		}
	}
}
