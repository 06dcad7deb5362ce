package probe

import (
	"reflect"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// ofEntry returns e with the fields that all hand-made entries share.
func ofEntry(e event.Event) event.Event {
	e.Time, e.First, e.Last, e.Netns = 61e9, 60e9, 61e9, hostNetns
	if e.Proto == 0 {
		e.Proto = event.TCP
	}
	return e
}

var folded = map[string][]event.Event{
	"fold out": {ofEntry(event.Event{
		Kind: event.Folded, Direction: event.Out, Proc: curl, Dst: endpoint("10.1.0.2:443"),
		Fact: &event.Fold{
			Opens: 10, ClosesOut: 8, TimeWaitOut: 7, EnterCloseWait: 6, LeaveCloseWait: 5, EnterSynSent: 4, LeaveSynSent: 3,
			EarlyBinds: 2, ResetsOut: 1, Lifetimes: 300e6,
		},
	})},
	"fold in, not selected": {ofEntry(event.Event{
		Kind: event.Folded, Direction: event.In, Proc: curl, Src: endpoint("10.1.0.2:8080"), Flags: event.NotSelected,
		Fact: &event.Fold{ClosesIn: 8, TimeWaitIn: 2, EnterCloseWait: 1, LeaveCloseWait: 1},
	})},
	"fold of closes before start": {ofEntry(event.Event{
		Kind: event.Folded, Dst: endpoint("10.1.0.2:443"), Fact: &event.Fold{ClosesUnknown: 5},
	})},
	"fold of binds": {ofEntry(event.Event{
		Kind: event.Folded, Proc: curl, Src: endpoint("0.0.0.0:0"), Fact: &event.Fold{Binds: 9},
	})},
	"failures of connect": {
		ofEntry(event.Event{
			Kind: event.ConnectFail, Direction: event.Out, Op: event.OpConnect, Errno: event.ECONNREFUSED,
			Reason: event.Refused, Proc: curl, Dst: endpoint("10.1.0.2:443"), Count: 1000,
			Flags: event.HadPort | event.Unanswered, Inferred: event.FieldErrno | event.FieldReason,
		}),
	},
	"failures of connect without a port": {ofEntry(event.Event{
		Kind: event.ConnectFail, Direction: event.Out, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL,
		Reason: event.RangeExhausted, Proc: curl, Dst: endpoint("10.1.0.2:443"), Count: 5, Flags: event.NotSelected,
	})},
	"failures of bind": {ofEntry(event.Event{
		Kind: event.BindFail, Op: event.OpBind, Errno: event.EADDRINUSE, Reason: event.PortTaken, Proc: curl,
		Src: endpoint("10.1.0.1:8080"), Count: 1000,
	})},
	"failures of autobind": {ofEntry(event.Event{
		Kind: event.BindFail, Proto: event.UDP, Op: event.OpAutobind, Errno: event.EAGAIN,
		Reason: event.RangeExhausted, Proc: curl, Src: endpoint("0.0.0.0:0"), Count: 1000,
	})},
}

// Hand-made entries of the maps of counts.
func TestFolds(t *testing.T) {
	records := readRecords(t, "folds.hex")
	if len(records) != len(folded) {
		t.Errorf("%d entries in testdata, %d are expected", len(records), len(folded))
	}
	for name, raw := range records {
		t.Run(name, func(t *testing.T) {
			var got []event.Event
			if strings.HasPrefix(name, "fold ") {
				var key bpfFoldKey
				var counts bpfFoldCounts
				readAs(t, raw, &key, &counts)
				got = append(got, foldEvent(&key, &counts))
			} else {
				var key bpfFailKey
				var counts bpfFailCounts
				readAs(t, raw, &key, &counts)
				got = append(got, failEvent(&key, &counts))
			}
			if want := folded[name]; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// An entry whose numbers no program writes is still decoded.
func TestFailuresUnknown(t *testing.T) {
	key := bpfFailKey{Op: 255, Reason: 255, Proto: 255}
	got := failEvent(&key, &bpfFailCounts{Folded: 1})
	if got.Kind != event.BindFail || got.Op != 0 || got.Reason != event.OtherReason {
		t.Errorf("got %+v", got)
	}
}
