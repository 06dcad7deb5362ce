package pipeline

import (
	"fmt"
	"iter"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// resyncEvery is how often a namespace's sockets are all repeated in the stream: a reader
// of a recording that has lost a part is right again from there on.
const resyncEvery = time.Minute

// reconciler turns what scans have found into events of the stream, by comparing it with the
// table.
type reconciler struct {
	table    *portspace.Table
	touched  touched               // ports to which something happened while a scan was running
	resynced map[uint32]event.Time // when all sockets of a namespace were in the stream last
	warned   bool                  // that there are more sockets than the table holds
}

func newReconciler(table *portspace.Table) reconciler {
	return reconciler{table: table, touched: newTouched(), resynced: map[uint32]event.Time{}}
}

// observe notes which ports the events of a batch touch while a scan is running.
func (r *reconciler) observe(batch event.Batch) {
	if !batch.Scanning {
		return
	}
	for i := range batch.Events {
		if e := &batch.Events[i]; e.Proto == event.TCP && e.Src.Port != 0 {
			r.touched.add(portspace.PortOf(e))
		}
	}
}

// each calls add with the events that make the table what the scan has found in one
// namespace, in order. add must take them into the table before it returns.
func (r *reconciler) each(scan *event.NetnsScan, at event.Time, add func(*event.Event)) {
	last, resynced := r.resynced[scan.Census.Netns]
	fresh := !resynced && r.table.Known(scan.Census.Netns) == 0
	due := resynced && at.Sub(last) >= resyncEvery && !scan.Gone
	fact := scan.Census
	fact.Whole = due || fresh // of a fresh one the differences are all sockets
	fact.TimeWait = uint64(r.table.MeasureTimeWait(scan))

	changes := r.table.Reconcile(portspace.Found{
		NetnsScan: scan, At: at, Unsettled: func(p portspace.Port) bool { return !scan.Gone && r.touched.has(p) },
	})
	r.warn(scan, at, add)
	add(&event.Event{Time: at, Kind: event.CensusTaken, Fact: &fact})
	addEach(changes, add)
	if due {
		addEach(r.table.Resync(scan.Census.Netns, at), add)
	}
	switch {
	case scan.Gone:
		delete(r.resynced, scan.Census.Netns)
	case due || !resynced:
		r.resynced[scan.Census.Netns] = at
	}
}

// addEach calls add with one event after another, in the same place.
func addEach(events iter.Seq[event.Event], add func(*event.Event)) {
	var e event.Event
	for e = range events {
		add(&e)
	}
}

// warn adds a notice, once, if there are more sockets than are followed.
func (r *reconciler) warn(scan *event.NetnsScan, at event.Time, add func(*event.Event)) {
	if r.warned || !scan.Truncated && !r.table.AtLimit() {
		return
	}
	r.warned = true
	text := fmt.Sprintf("more than %d sockets: the occupancy shown for port spaces is a lower bound", r.table.Limit())
	if scan.LeftOut > 0 {
		text += fmt.Sprintf("; of namespace %d, %d sockets are not followed", scan.Census.Netns, scan.LeftOut)
	}
	add(&event.Event{Time: at, Kind: event.Notice, Fact: event.Text(text)})
}

// done must be called when all namespaces of a scan were compared.
func (r *reconciler) done() {
	r.touched.clear()
}
