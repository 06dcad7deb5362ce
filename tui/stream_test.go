package tui

import (
	"context"
	"io"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// stream is a Source that gives everything at once.
type stream []event.Event

func (s stream) Read(context.Context) (event.Batch, error) {
	return event.Batch{Events: s}, io.EOF
}

// streamed is a snapshot as a run makes it: of events, 50 connections a second for half
// a minute from as many programs as are asked for, some of which fail.
func streamed(tb testing.TB, programs int) *snapshot.Snapshot {
	tb.Helper()
	const connections = 1500
	begin := event.Time(time.Hour)
	events := stream{
		{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Boot: int64(begin), Wall: fixtureStart.UnixNano()}},
		{Time: begin, Kind: event.HostKnown, Fact: &event.Host{Name: "web-1", Kernel: "6.8.0"}},
		{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: 1, Name: "host", TimeWait: -1}},
	}
	for i := range max(programs, connections) {
		at := begin.Add(time.Duration(i) * 20 * time.Millisecond)
		id := event.ProcID{PID: uint32(1000 + i%programs), Start: uint64(i % programs)}
		open := event.Event{
			Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: 1, Proc: id, Count: 1,
			Src: remote("10.0.0.1", uint16(32768+i)), Dst: remote("10.0.0.2", uint16(80+i%max(programs/2, 1))),
		}
		end := open
		end.Time, end.Kind, end.Duration, end.ClosedBy, end.Flags = at.Add(time.Millisecond), event.Close, 1e6, event.Local, event.TimeWait
		if i%10 == 0 {
			end.Kind, end.Op, end.Errno, end.Reason, end.Flags = event.ConnectFail, event.OpConnect, event.ECONNREFUSED, event.Refused, event.HadPort
		}
		known := event.Event{Time: at, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, PPID: 1, Comm: "worker", Exe: "/usr/bin/worker"}}
		events = append(events, known, open, end)
	}
	snap, err := pipeline.Aggregate(tb.Context(), events, pipeline.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return snap
}

// TestOneStreamOneScreen draws what two runs of the same stream have come to.
func TestOneStreamOneScreen(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"2"}, {"2", "enter"}, {"3"}, {"3", "enter"}, {"4"}, {"4", "enter"}, {"2", "down", "s", "r"}, {"2", "/", "work", "enter"}} {
		first := text(screen(120, 40, streamed(t, 40), keys...))
		for range 3 {
			if again := text(screen(120, 40, streamed(t, 40), keys...)); again != first {
				t.Errorf("%q:\n%s\nand then:\n%s", keys, first, again)
				break
			}
		}
		if len(first) < 800 {
			t.Errorf("%q: there is little to see:\n%s", keys, first)
		}
	}
}

// BenchmarkFrame is a new snapshot of very many rows and its frame.
func BenchmarkFrame(b *testing.B) {
	s := streamed(b, 8000)
	for name, keys := range map[string][]string{"processes": {"2"}, "destinations": {"3"}, "failures": {"4"}, "process": {"2", "enter"}} {
		m := screen(160, 50, s, keys...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				give(m, s)
				m.View()
			}
		})
	}
	m := screen(160, 50, s, "2")
	b.Run("key", func(b *testing.B) {
		for b.Loop() {
			m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
			m.View()
		}
	})
}
