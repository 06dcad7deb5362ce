package live

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func kinds(events []event.Event) (list []event.Kind) {
	for i := range events {
		list = append(list, events[i].Kind)
	}
	return list
}

// slowly returns a Polled whose scans find one socket of the process, and take a while.
func slowly(takes time.Duration, owner event.ProcID) *Polled {
	p := OpenPolled("not permitted", "")
	p.scans.scanner = scannerFunc(func(targets []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration) {
		time.Sleep(takes)
		return finding(owner)(targets, stopped)
	})
	p.scans.interval = time.Nanosecond
	p.scans.counts = nil // what is counted after a scan has tests of its own
	return p
}

func readPolled(ctx context.Context, t *testing.T, p *Polled) event.Batch {
	t.Helper()
	batch, err := p.Read(ctx)
	if !errors.Is(err, ctx.Err()) {
		t.Fatalf("error %v", err)
	}
	for _, e := range batch.Events {
		if e.Time > batch.Now {
			t.Errorf("%s at %d, in a batch until %d", e.Kind, e.Time, batch.Now)
		}
	}
	if batch.Scan != nil && batch.Scan.At > batch.Now {
		t.Errorf("a scan at %d, in a batch until %d", batch.Scan.At, batch.Now)
	}
	return batch
}

// The stream without BPF begins with the facts of the host and, if it is done soon, a scan.
func TestPolledHead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := slowly(scanPatience/2, self(t).ID)
		head := readPolled(t.Context(), t, p)
		got := kinds(head.Events)
		want := []event.Kind{event.ClockAnchor, event.HostKnown, event.SignalsKnown, event.Notice, event.NetnsKnown}
		if !slices.Equal(got[:len(want)], want) || !slices.Equal(got[len(got)-2:], []event.Kind{event.HealthKnown, event.ProcessKnown}) {
			t.Errorf("the head is %v", got)
		}
		if head.Scan == nil || len(head.Scan.Netns) == 0 || !head.Scan.Netns[0].Sockets.At(0).Flags.Has(event.BeforeStart) {
			t.Errorf("the scan is %+v", head.Scan)
		}
		p.Close()
	})
}

// A slow scan delays nothing, and comes when it is done. Facts are read again each second.
func TestPolledSlowScan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const takes = 3 * time.Second
		p := slowly(takes, self(t).ID)
		begin := time.Now()
		if head := readPolled(t.Context(), t, p); head.Scan != nil || time.Since(begin) != scanPatience {
			t.Errorf("after %s: %+v", time.Since(begin), head.Scan)
		}
		surveys := 0
		for range 2 * takes / readInterval {
			batch := readPolled(t.Context(), t, p)
			if slices.Contains(kinds(batch.Events), event.HealthKnown) {
				surveys++
			}
			if batch.Scan != nil {
				break
			}
		}
		if took := time.Since(begin); took < takes || took > takes+readInterval || surveys != 2 && surveys != 3 {
			t.Errorf("the scan came after %s, and %d surveys", took, surveys)
		}

		// The end waits for a scan, but not long.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin = time.Now()
		if last := readPolled(ctx, t, p); last.Scan != nil || time.Since(begin) != scanPatience {
			t.Errorf("after %s: %+v", time.Since(begin), last.Scan)
		}
		p.Close()
	})
}

func TestPolledSignals(t *testing.T) {
	t.Parallel()
	signals := OpenPolled("not permitted", "").Signals()
	if len(signals) != len(event.SignalNames()) {
		t.Errorf("got %+v", signals)
	}
	for _, s := range signals {
		switch {
		case s.Name == event.SignalCensus && s.Mode == event.Inferred && s.Hook != "":
		case s.Name != event.SignalCensus && s.Mode == event.Off && s.Reason == "not permitted":
		default:
			t.Errorf("got %+v", s)
		}
	}
}
