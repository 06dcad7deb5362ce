package kerneltest

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestLimitKeepsCause: a program that takes all ports of a destination is shown with as many
// failures, ports and TIME_WAIT, and with the same causes, whether its events are listed one by
// one or, but for a sample, only counted.
func TestLimitKeepsCause(t *testing.T) {
	const ports = 4000
	var causes [2][]string
	for i, limit := range [...]int{0, 200} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			client, server := pair(t)
			narrow(t, client, ports)
			serve(t, server, lab.Echo, serverV4)
			spawn(t, client, "resident", &lab.Binder{For: jobLimit}) // scans find its namespace
			w := traceSpacesWith(t, live.Options{Probe: probe.Options{DetailLimit: limit}}, client, server)
			w.awaitScans(client)
			r := run(t, client, "churner", &lab.Client{To: []netip.AddrPort{serverV4}, Rate: 1000, Count: ports + 2000, Talk: true, For: jobLimit})
			failed := r.ConnectErrors["EADDRNOTAVAIL"]
			w.awaitScans(client)
			id := portspace.ID{Netns: client.Inode(), Local: event.AddrFrom(clientV4), Remote: endpoint(serverV4)}
			w.awaitRow("it holds what the kernel has", id, func(s *snapshot.PortSpace) bool {
				return s.TimeWait == timeWaits(t, client) && len(s.Holders) == 1
			})
			snap := w.snapshot()
			row := processRow(snap, r.PID)
			if int(row.Opens) != r.Succeeded || int(row.ConnectFailures) != failed || row.Live() != 0 || int(row.TimeWaitOut) != timeWaits(t, client) {
				t.Errorf("the process is shown with %+v, it counted %+v", row.Totals, r)
			}
			if (limit > 0) != (row.Unlisted > 0) || (limit > 0) != (len(snap.DetailLimits) > 0) || row.LifetimeP50 == 0 {
				t.Errorf("limit %d: %d events are not listed, %+v", limit, row.Unlisted, snap.DetailLimits)
			}
			for _, s := range snap.PortSpaces {
				if s.Netns == client.Inode() && s.Remote == id.Remote && s.Kind == snapshot.ConnectSpace && s.Holders[0].Proc.ID.PID != uint32(r.PID) {
					t.Errorf("held by %+v", s.Holders)
				}
			}
			for _, f := range doctor.Judge(snap) {
				if f.Subject.Netns == client.Inode() {
					causes[i] = append(causes[i], fmt.Sprint(f.Cause, " ", f.Severity, " ", f.Confidence))
				}
			}
			slices.Sort(causes[i])
		})
	}
	if len(causes[0]) == 0 || !slices.Equal(causes[0], causes[1]) {
		t.Errorf("the causes are %v, and with a limit %v", causes[0], causes[1])
	}
}

// timeWaits returns how many buckets the kernel counts in a namespace.
func timeWaits(t *testing.T, n *lab.Netns) int {
	t.Helper()
	stat, err := n.Sockstat()
	noError(t, err)
	return stat.TimeWait
}

// TestLimitRecorded: a recording says of which pairs events were only counted, since when, until
// when and how many, as the screen did.
func TestLimitRecorded(t *testing.T) {
	stormNet := newStormNetns(t)
	var file memory
	source := &tape{Source: attach(t, live.Options{Probe: probe.Options{DetailLimit: 500}})}
	ctx, cancel := context.WithCancel(t.Context())
	storm := spawn(t, stormNet, "storm", &lab.Storm{Reset: true, Destinations: 1, For: 3 * time.Second})
	ends := func(l snapshot.DetailLimit) bool {
		return l.Proc.ID.PID == uint32(storm.PID()) && l.Direction == event.Out && l.Until.After(l.Since) && l.Counted > 500
	}
	shown := make(chan *snapshot.Snapshot, 1)
	go func() {
		defer cancel()
		within, stop := context.WithTimeout(ctx, 30*time.Second)
		defer stop()
		awaitSnapshot(within, shown, func(s *snapshot.Snapshot) bool { return slices.ContainsFunc(s.DetailLimits, ends) })
	}()
	last, _, err := recordTo(ctx, &file, source, pipeline.Options{Snapshots: shown, Every: snapshotInterval})
	noError(t, err)
	replayed, err := aggregate(t.Context(), file.reader(t), pipeline.Options{})
	noError(t, err)
	if !reflect.DeepEqual(last.DetailLimits, replayed.DetailLimits) {
		t.Errorf("recorded was %+v, live %+v", replayed.DetailLimits, last.DetailLimits)
	}
	if !slices.ContainsFunc(last.DetailLimits, ends) {
		t.Errorf("the storm is not limited, or has no end: %+v", last.DetailLimits)
	}
}
