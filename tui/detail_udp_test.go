package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// detailText is the text of a detail.
func detailText(d interface{ write(*sheet) }) string {
	to := newSheet(120, unpainted())
	d.write(to)
	return strings.Join(to.lines, "\n")
}

func wantLines(t *testing.T, text string, want, not []string) {
	t.Helper()
	for _, line := range want {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	for _, line := range not {
		if strings.Contains(text, line) {
			t.Errorf("%q in\n%s", line, text)
		}
	}
}

// The detail of a UDP row has no figures of connections, and no rates that are not observed.
func TestUDPDetail(t *testing.T) {
	t.Parallel()
	s := &snapshot.PortSpace{
		Kind: snapshot.BindSpace, Netns: 1, NetnsName: "host", Proto: event.UDP, Local: local("10.0.0.1"), Range: hostRange,
		Occupancy: event.Occupancy{Capacity: 28_232, Bound: 28_232}, Peak: 28_232, PeakAt: fixtureNow, Exhausted: 12, LastExhausted: fixtureNow,
		Holders: []snapshot.Holder{{Proc: web, HeldCount: snapshot.HeldCount{Bound: 28_000}}}, OtherHolders: snapshot.HeldCount{Bound: 232},
	}
	snap := &snapshot.Snapshot{Wall: fixtureNow, Namespaces: []snapshot.Namespace{{
		Inode: 1, Reserved: "40000-40001", Listeners: []snapshot.Listener{{Local: event.Endpoint{Addr: local("0.0.0.0"), Port: 50051}, Proc: proxy}},
	}}}
	d := &spaceDetail{followed[snapshot.PortSpace, snapshot.SpaceID]{row: s, snapshot: snap}}
	wantLines(t, detailText(d),
		[]string{"UDP bind() to port 0", "28,232 of 28,232", "12 calls found no port", "28,232 by UDP sockets that conflict", "40000-40001"},
		[]string{"live ", "TIME_WAIT in", "Rates", "sustainable", "listeners", "only bound"})
	s.Capacity, s.Bound = 0, 0
	if got := gauge(s, 20); got != "not counted" {
		t.Errorf("before a count: %q", got)
	}
}

func TestFilesDetail(t *testing.T) {
	t.Parallel()
	p := &snapshot.Process{Info: web, Files: &event.FileUse{Open: 1_010, Limit: 1_024}, EarlyBinds: 7}
	d := &processDetail{followed[snapshot.Process, event.ProcID]{row: p, snapshot: &snapshot.Snapshot{Wall: fixtureNow.Add(time.Second)}}}
	wantLines(t, detailText(d), []string{"1,010 open, of at most 1,024", "EMFILE", "7 opens of a port that bind() had chosen"}, nil)
	p.Files, p.EarlyBinds = &event.FileUse{Open: 10, Limit: 1_024}, 0
	wantLines(t, detailText(d), []string{"10 open, of at most 1,024"}, []string{"EMFILE", "early binds"})
}
