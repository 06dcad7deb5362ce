package metrics

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var (
	ownerNames = []string{"program", "unit", "container"}

	opens           = counter("opens", "Outgoing connections that got a local port.", ownerNames...)
	closes          = counter("closes", "Connections that ended.", append(ownerNames, "direction")...)
	binds           = counter("binds", "Ports that bind() or listen() took.", ownerNames...)
	connectFailures = counter("connect_failures", "Connects that failed.", append(ownerNames, "errno", "reason")...)
	bindFailures    = counter("bind_failures", "Calls of bind() or listen(), and automatic binds, that failed.", append(ownerNames, "errno", "reason", "op")...)
	exhausted       = counter("exhausted_calls", "Calls that failed because no port was free.", "op")
	failedCalls     = counter("failed_calls", "Calls that failed, for any reason.", "op")
	connections     = gauge("outgoing_connections", "Local ends of outgoing connections that hold a port, each in one state.", append(ownerNames, "state")...)
	timeWaitEntered = counter("time_wait_entered", "Closes that left a TIME_WAIT bucket.")
	timeWait        = gauge("time_wait_sockets", "TIME_WAIT buckets by the side that opened the connection.", "side")
)

func (out *series) addCalls(s *snapshot.Snapshot, counts *Counts) {
	held := connectionsOf(s, counts)
	for i := range counts.Owners {
		o := &counts.Owners[i]
		l := o.labels()
		out.addOwner(&o.tally, l)
		for _, s := range held[o.ownerKey].states() {
			out.add(connections, l.with(s.name), float64(s.count))
		}
	}
	out.addByOp(exhausted, counts.Exhausted)
	out.addByOp(failedCalls, counts.Failed)
	out.add(timeWaitEntered, nil, float64(s.Totals.TimeWaitEntered))
	out.addOf(timeWait, float64(max(s.Totals.TimeWaitOut, 0)), label{"side", "out"})
	out.addOf(timeWait, float64(max(s.Totals.TimeWaitIn, 0)), label{"side", "in"})
	out.addOf(timeWait, float64(max(s.Totals.TimeWaitOther, 0)), label{"side", unknown})
}

func (out *series) addByOp(f *family, counts map[event.Op]uint64) {
	for op, n := range counts {
		out.addOf(f, float64(n), label{"op", op.String()})
	}
}

func (out *series) addOwner(t *tally, l labels) {
	out.add(opens, l, float64(t.opens))
	out.add(binds, l, float64(t.binds))
	out.add(closes, l.with(label{"direction", "out"}), float64(t.closesOut))
	out.add(closes, l.with(label{"direction", "in"}), float64(t.closesIn))
	out.add(closes, l.with(label{"direction", unknown}), float64(t.closesUnknown))
	for _, f := range t.failures {
		errno, reason := label{"errno", text(f.errno.String())}, label{"reason", f.reason.String()}
		if f.failureKey == otherFailure {
			errno.value, reason.value = other, other
		}
		if f.op == event.OpConnect {
			out.add(connectFailures, l.with(errno, reason), float64(f.count))
		} else {
			out.add(bindFailures, l.with(errno, reason, label{"op", f.op.String()}), float64(f.count))
		}
	}
}

// held is the outgoing connections of a program.
type held struct{ live, synSent, closeWait, timeWait int64 }

func (h held) states() []state {
	return []state{
		{stateOpen, int(max(h.live-h.synSent-h.closeWait, 0))},
		{stateSynUnanswered, int(max(h.synSent, 0))},
		{stateCloseWait, int(max(h.closeWait, 0))},
		{stateTimeWait, int(max(h.timeWait, 0))},
	}
}

// connectionsOf returns the connections of the programs that are listed, and of all others.
func connectionsOf(s *snapshot.Snapshot, counts *Counts) map[ownerKey]held {
	sums, listed := map[ownerKey]held{}, map[ownerKey]bool{}
	for i := range counts.Owners {
		listed[counts.Owners[i].ownerKey] = true
	}
	add := func(key ownerKey, t *snapshot.Totals) {
		if !listed[key] {
			key = otherOwner
		}
		h := sums[key]
		sums[key] = held{h.live + t.Live(), h.synSent + t.SynSent, h.closeWait + t.CloseWait, h.timeWait + t.TimeWaitOut}
	}
	for i := range s.Processes {
		add(ownerOf(&s.Processes[i].Info), &s.Processes[i].Totals)
	}
	for i := range s.Past {
		add(ownerOfPast(&s.Past[i]), &s.Past[i].Totals)
	}
	return sums
}
