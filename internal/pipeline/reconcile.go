package pipeline

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

const (
	// resyncEvery is how often a namespace's sockets are all repeated in the stream: a reader
	// of a recording that has lost a part is right again from there on.
	resyncEvery = time.Minute
	// keptChanges is how much room for changes is kept between scans.
	keptChanges = 1 << 12
)

// reconciler turns what scans have found into events of the stream, by comparing it with the
// table.
type reconciler struct {
	table    *portspace.Table
	touched  map[portspace.Port]bool // something happened to it while a scan was running
	resynced map[uint32]event.Time   // when all sockets of a namespace were in the stream last
	warned   bool                    // that there are more sockets than the table holds
	changes  []event.Event
}

func newReconciler(table *portspace.Table) reconciler {
	return reconciler{table: table, touched: map[portspace.Port]bool{}, resynced: map[uint32]event.Time{}}
}

// observe notes which ports the events of a batch touch while a scan is running.
func (r *reconciler) observe(batch event.Batch) {
	if !batch.Scanning {
		return
	}
	for i := range batch.Events {
		if e := &batch.Events[i]; e.Proto == event.TCP && e.Src.Port != 0 {
			r.touched[portspace.PortOf(e)] = true
		}
	}
}

// each calls add with the events that make the table what the scan has found in one
// namespace, in order. add must take them into the table before it returns.
func (r *reconciler) each(scan *event.NetnsScan, at event.Time, add func([]event.Event)) {
	last, resynced := r.resynced[scan.Census.Netns]
	fresh := !resynced && r.table.Known(scan.Census.Netns) == 0
	due := resynced && at.Sub(last) >= resyncEvery && !scan.Gone
	fact := scan.Census
	fact.Whole = due || fresh // of a fresh one the differences are all sockets
	fact.TimeWait = uint64(r.table.MeasureTimeWait(scan))

	r.changes = append(r.warn(r.changes[:0], scan, at), event.Event{Time: at, Kind: event.CensusTaken, Fact: &fact})
	r.changes = r.table.Reconcile(r.changes, portspace.Found{
		NetnsScan: scan, At: at, Unsettled: func(p portspace.Port) bool { return r.touched[p] && !scan.Gone },
	})
	add(r.changes)
	if due {
		r.changes = r.table.AppendSockets(r.changes[:0], scan.Census.Netns, at)
		add(r.changes)
	}
	switch {
	case scan.Gone:
		delete(r.resynced, scan.Census.Netns)
	case due || !resynced:
		r.resynced[scan.Census.Netns] = at
	}
}

// warn appends a notice, once, if there are more sockets than are followed.
func (r *reconciler) warn(dst []event.Event, scan *event.NetnsScan, at event.Time) []event.Event {
	if r.warned || !scan.Truncated && !r.table.AtLimit() {
		return dst
	}
	r.warned = true
	return append(dst, event.Event{Time: at, Kind: event.Notice, Fact: event.Text(fmt.Sprintf(
		"more than %d sockets: the occupancy shown for port spaces is a lower bound", portspace.Limit))})
}

// done must be called when all namespaces of a scan were compared.
func (r *reconciler) done() {
	clear(r.touched)
	if cap(r.changes) > keptChanges {
		r.changes = nil
	}
}
