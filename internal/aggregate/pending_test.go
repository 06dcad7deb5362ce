package aggregate

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// mixedStream is connections of some programs towards some destinations: opens, closes of every
// length, late events, failures, events that the filter leaves out, and accepted connections. With more
// keys than rows, rows are evicted, too. After each of these events come some that only open or close.
func mixedStream(random *rand.Rand, events, processes, destinations, plain int) []event.Event {
	kinds := []event.Kind{event.Open, event.Open, event.Open, event.Close, event.Close, event.Close, event.ConnectFail, event.EnterCloseWait}
	flags := []event.Flags{0, 0, 0, event.TimeWait, event.FinWait2, event.EarlyBind, event.NotSelected, event.HadPort}
	stream := []event.Event{ranged(32768, 60999)}
	for i := range events {
		e := with(kinds[random.IntN(len(kinds))], func(e *event.Event) {
			e.Flags = flags[random.IntN(len(flags))]
			e.Proc.PID = uint32(1 + random.IntN(processes))
			to := random.IntN(destinations)
			e.Dst.Addr[13], e.Dst.Addr[14] = byte(to>>8), byte(to)
			e.Src.Port = uint16(32768 + random.IntN(2000))
			e.Duration = uint64(time.Microsecond) << random.IntN(24)
			e.ClosedBy, e.ResetBy = event.Reset, event.Local
			if i%(plain+1) != 0 {
				e.Kind, e.Flags = kinds[2+random.IntN(2)], 0
				e.Duration = uint64(time.Millisecond)
			}
		})
		switch random.IntN(20) {
		case 0:
			e.Direction, e.Src, e.Dst = event.In, web, e.Src
		case 1:
			e.Count = 3
		}
		late := time.Duration(random.IntN(3)) * 100 * time.Millisecond
		stream = append(stream, after(time.Duration(i)*time.Millisecond-late, e))
	}
	return stream
}

// What a row counts must not depend on when it counts it, nor on what was remembered of its space.
func TestPendingIsExact(t *testing.T) {
	t.Parallel()
	for name, load := range map[string][4]int{
		"few": {3, 4, 10_000}, "many": {200, 300, 10_000},
		"evictions": {2 * maxProcesses, 2 * maxDestinations, 40_000}, "storm": {40, maxPairs / 16, 30_000, 200},
	} {
		random := rand.New(rand.NewPCG(7, 7))
		pending, direct := newStream(), newStream()
		stream := mixedStream(random, load[2], load[0], load[1], load[3])
		for i := range stream {
			pending.Add(stream[i : i+1])
			direct.Add(stream[i : i+1])
			direct.settle()
			direct.flows.uses = nil
			if i%(load[2]/3) != 0 {
				continue
			}
			got, want := pending.Snapshot(stream[i].Time), direct.Snapshot(stream[i].Time)
			if got.Totals.Opens != want.Totals.Opens || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: after %d events it is %+v, and %+v if each is counted at once", name, i, got.Totals, want.Totals)
			}
		}
		if pending.pending.second == 0 {
			t.Errorf("%s: nothing was pending", name)
		}
	}
}
