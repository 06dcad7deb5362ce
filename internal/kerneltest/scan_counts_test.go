package kerneltest

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// A process near its file limit has a row, although it has done nothing since the start, and its
// figures are those of /proc. It is found by its sockets alone.
func TestFileLimit(t *testing.T) {
	n := newNetns(t)
	serve(t, n, lab.Echo, loopV4)
	leak := spawn(t, n, "leak", &lab.Client{To: []netip.AddrPort{loopV4}, Count: 60, Hold: true})
	counted(t, leak)
	limit := uint64(openFiles(t, leak.PID()) + 1) // the runtime of Go has some files of its own
	small := unix.Rlimit{Cur: limit, Max: limit}
	noError(t, unix.Prlimit(leak.PID(), unix.RLIMIT_NOFILE, &small, nil))
	w := traceSpaces(t, n)
	s := w.awaitSnapshot("the process near its limit", func(s *snapshot.Snapshot) bool {
		p := processRow(s, leak.PID())
		return p.Files != nil
	})
	p := processRow(s, leak.PID())
	if open := openFiles(t, leak.PID()); p.Files.Open != uint64(open) || p.Files.Limit != small.Cur || !p.Files.NearLimit() {
		t.Errorf("%+v, and /proc says %d of %d", *p.Files, open, small.Cur)
	}
	if p.Info.Comm != "leak" {
		t.Errorf("it is %+v", p.Info)
	}
}

// openFiles returns how many files a process has open by its own list.
func openFiles(t testing.TB, pid int) int {
	t.Helper()
	names, err := os.ReadDir(fmt.Sprint("/proc/", pid, "/fd"))
	noError(t, err)
	return len(names)
}

// A listener in the range is listed with its process, one from before the start and one that came
// after; one outside, and one that has ended, are not.
func TestListenersInRange(t *testing.T) {
	n := newNetns(t)
	narrow(t, n, 64)
	before := serve(t, n, lab.Echo, at(loopV4, firstPort+10), at(loopV4, 80))
	w := traceSpaces(t, n)
	after := serve(t, n, lab.Echo, at(loopV6, firstPort+20))
	want := map[string]int{at(loopV4, firstPort+10).String(): before.PID(), at(loopV6, firstPort+20).String(): after.PID()}
	await := func() {
		t.Helper()
		w.awaitSnapshot(fmt.Sprint("the listeners ", want), func(s *snapshot.Snapshot) bool {
			got := map[string]int{}
			if row := s.Namespace(n.Inode()); row != nil {
				for _, l := range row.Listeners {
					got[l.Local.String()] = int(l.Proc.ID.PID)
				}
			}
			return reflect.DeepEqual(got, want)
		})
	}
	await()
	release(t, after)
	delete(want, at(loopV6, firstPort+20).String())
	await()
}

// A recording shows the same of UDP, files, listeners and early binds as the live run did.
func TestCountsOfRecording(t *testing.T) {
	const ports = 32
	n := loopbackNet(t, ports, at(loopV4, firstPort+3))
	udp := spawn(t, n, "udp", &lab.Binder{Socket: lab.Socket{UDP: true, Bind: at(loopV4, 0)}, Count: 10})
	counted(t, udp)
	var file memory
	source := attach(t, live.Options{ScanInterval: scanInterval})
	shown := make(chan *snapshot.Snapshot, 1)
	type result struct {
		snap *snapshot.Snapshot
		err  error
	}
	recorded := make(chan result, 1)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	go func() {
		snap, _, err := recordTo(ctx, &file, source, pipeline.Options{Snapshots: shown, Every: snapshotInterval})
		recorded <- result{snap, err}
	}()
	early := spawn(t, n, "early", &lab.Client{Socket: lab.Socket{Bind: at(loopV4, 0)}, To: []netip.AddrPort{at(loopV4, firstPort+3)}, Count: 4, Hold: true})
	counted(t, early)
	seen := awaitSnapshot(ctx, shown, func(s *snapshot.Snapshot) bool {
		p, row, files := udpRowOf(s, n, loopV4.Addr()), s.Namespace(n.Inode()), processRow(s, early.PID())
		return p != nil && p.InUse() == 10 && len(row.Listeners) == 1 && files.Files != nil && files.EarlyBinds == 4
	})
	cancel()
	got := <-recorded
	noError(t, got.err)
	if seen == nil {
		t.Fatal("waited in vain for a UDP row, a listener, files and 4 early binds")
	}
	again, err := aggregate(t.Context(), file.reader(t), pipeline.Options{})
	noError(t, err)
	of := func(s *snapshot.Snapshot) string {
		p, row, early := udpRowOf(s, n, loopV4.Addr()), s.Namespace(n.Inode()), processRow(s, early.PID())
		if p == nil || row == nil || early.Files == nil {
			return "nothing"
		}
		return fmt.Sprintf("%+v\n%+v\n%+v of %d\n%+v", *p, row.Listeners, *early.Files, early.EarlyBinds, p.Holders)
	}
	if a, b := of(got.snap), of(again); a != b || a == "nothing" {
		t.Errorf("recorded\n%s\nlive\n%s", b, a)
	}
}
