package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// oneBatch is a Source.
type oneBatch struct{ events []event.Event }

func (b *oneBatch) Read(context.Context) (event.Batch, error) {
	if b.events == nil {
		return event.Batch{}, io.EOF
	}
	batch := event.Batch{Now: b.events[len(b.events)-1].Time, Events: b.events}
	b.events = nil
	return batch, nil
}

// TestPrintsWhatTheTableKnows: who holds a port, and that tcp_max_tw_buckets has refused a
// bucket, is in the line of an event whichever kinds are printed.
func TestPrintsWhatTheTableKnows(t *testing.T) {
	t.Parallel()
	const netns = 7
	end := func(last byte, port uint16) event.Endpoint {
		return event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: last}, Port: port}
	}
	socket := func(at event.Time, kind event.Kind, port uint16) event.Event {
		return event.Event{
			Time: at, Kind: kind, Direction: event.Out, Proto: event.TCP, Netns: netns, Proc: event.ProcID{PID: 100, Start: 1}, Count: 1,
			Src: end(1, port), Dst: end(2, 80),
		}
	}
	closes := func(at event.Time, port uint16) event.Event {
		e := socket(at, event.Close, port)
		e.Flags, e.Inferred = event.TimeWait, event.FieldTimeWait
		return e
	}
	fails := socket(6, event.BindFail, 40000)
	fails.Op, fails.Errno, fails.Reason, fails.Dst, fails.Direction = event.OpBind, event.EADDRINUSE, event.PortTaken, event.Endpoint{}, event.Unknown
	stream := []event.Event{
		{Time: 1, Kind: event.NetnsKnown, Fact: &event.Netns{
			Inode: netns, TimeWait: -1, Ports: event.PortRange{Low: 40000, High: 40099}, MaxTimeWait: 1, FinTimeout: uint64(time.Minute),
		}},
		socket(2, event.Open, 40000), socket(3, event.Open, 40001),
		closes(4, 40000), closes(5, 40001), fails,
	}
	for _, tc := range []struct {
		kinds          []string
		buckets, holds int
	}{
		{nil, 1, 1}, {[]string{"close"}, 1, 0}, {[]string{"bind_fail"}, 0, 1}, {[]string{"close", "port_space"}, 1, 0},
	} {
		flags := printFlags{kinds: tc.kinds}
		kinds, err := flags.wanted()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p, err := flags.printer(kinds, "json", &out, time.UTC, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := pipeline.Run(t.Context(), &oneBatch{slices.Clone(stream)}, p.options()); err != nil {
			t.Fatal(err)
		}
		buckets := strings.Count(out.String(), `"time_wait":true`)
		if holds := strings.Count(out.String(), `"holder":{"pid":100,`); buckets != tc.buckets || holds != tc.holds {
			t.Errorf("%v: %d buckets and %d holders, want %d and %d:\n%s", tc.kinds, buckets, holds, tc.buckets, tc.holds, &out)
		}
	}
}
