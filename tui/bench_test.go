package tui

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/theme"
)

// crowded is a host with very many rows of each kind.
func crowded(rows int) *snapshot.Snapshot {
	s := fixture()
	for i := range rows {
		p := s.Processes[i%5]
		p.Info.ID.PID, p.Info.ID.Start = uint32(10_000+i), uint64(i)
		p.Info.Comm = fmt.Sprintf("worker-%d", i)
		if i%2 == 0 { // half of them are a program of their own
			p.Info.Exe = "/usr/bin/" + p.Info.Comm
		}
		p.Rates.Opens = float64(i * 7919 % 10_007)
		s.Processes = append(s.Processes, p)
		d := s.Destinations[i%4]
		d.Remote.Port = uint16(i)
		s.Destinations = append(s.Destinations, d)
		f := s.Failures[i%4]
		f.Target.Port = uint16(i)
		s.Failures = append(s.Failures, f)
		space := s.PortSpaces[i%3]
		space.Remote.Port = uint16(i)
		s.PortSpaces = append(s.PortSpaces, space)
	}
	return s
}

// BenchmarkView is what a frame costs.
func BenchmarkView(b *testing.B) {
	for _, tab := range []string{"1", "2", "3", "4"} {
		m := screen(160, 50, crowded(10_000), tab, "end")
		b.Run(tabNames[m.tab], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.View()
			}
		})
	}
}

// BenchmarkUpdate is what a new snapshot costs: filter, sort, find the cursor.
func BenchmarkUpdate(b *testing.B) {
	s := crowded(10_000)
	for name, keys := range map[string][]string{"all": {"2", "end"}, "filter": {"2", "/", "worker 7", "enter", "end"}, "group": {"2", "g"}} {
		m := screen(160, 50, s, keys...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Update(snapshotMsg{snapshot: s})
			}
		})
	}
}

// BenchmarkUpdateAndView is what the screen does with a new snapshot of very many rows: at most
// 10 ms.
func BenchmarkUpdateAndView(b *testing.B) {
	frames := crowdedFrames(10_000, 8, true)
	for name, keys := range benchViews() {
		m := screen(160, 50, frames[0], keys...)
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				m.Update(snapshotMsg{snapshot: frames[i%len(frames)]})
				m.View()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/frame")
		})
	}
}

// benchViews are the keys to each table and detail.
func benchViews() map[string][]string {
	return map[string][]string{
		"spaces": {"1"}, "processes": {"2"}, "destinations": {"3"}, "failures": {"4"},
		"space": {"1", "enter"}, "process": {"2", "enter"}, "destination": {"3", "enter"}, "why": {"1", "w"},
		"failure": {"4", "enter"}, "program": {"2", "end", "enter"},
		"groups": {"2", "g"}, "filter": {"2", "/", "worker", "enter"},
	}
}

// The bounds of port spaces and failures in a snapshot (internal/aggregate/bounds.go, failure_programs.go).
const (
	mostSpaces          = 1000
	mostFailures        = 4096
	mostProgramFailures = 512
)

// crowdedFrames are snapshots of very many processes and destinations, a quarter of a second apart,
// in which rates and times change. A few port spaces are in trouble, or, if all is to be, a third of
// as many as there can be, with as many failures.
func crowdedFrames(rows, n int, trouble bool) (frames []*snapshot.Snapshot) {
	for i := range n {
		s := crowded(rows)
		s.PortSpaces, s.Failures = s.PortSpaces[:mostSpaces], s.Failures[:mostFailures]
		if !trouble {
			s.Failures = s.Failures[:4]
			for j := range s.PortSpaces[4:] {
				port := s.PortSpaces[4+j].Remote.Port
				s.PortSpaces[4+j] = s.PortSpaces[3] // the healthy one
				s.PortSpaces[4+j].Remote.Port = port
			}
		}
		s.ProgramFailures = snapshot.ProgramFailures(s.Failures)
		s.ProgramFailures = s.ProgramFailures[:min(len(s.ProgramFailures), mostProgramFailures)]
		for j := range s.PortSpaces {
			space := &s.PortSpaces[j]
			space.Programs, _ = space.HoldersByProgram()
			space.OtherPrograms = space.OtherHolders
			space.VictimPrograms = space.VictimsByProgram()
		}
		passed := time.Duration(i) * 250 * time.Millisecond
		s.At, s.Wall, s.Elapsed = s.At.Add(passed), s.Wall.Add(passed), s.Elapsed+passed
		for j := range s.Processes {
			s.Processes[j].Rates.Opens += float64((i*31 + j) % 7)
			s.Processes[j].Opens += uint64(i)
		}
		frames = append(frames, s)
	}
	return frames
}

// sentTo counts what the screen sends to the terminal.
type sentTo struct {
	mu    sync.Mutex
	bytes int
}

func (c *sentTo) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += len(p)
	return len(p), nil
}

// take returns what was sent since it was called last.
func (c *sentTo) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.bytes
	c.bytes = 0
	return n
}

// shown is a running screen, as Run shows it, in a terminal that only counts.
type shown struct {
	snapshots chan *snapshot.Snapshot
	program   *tea.Program
	sent      sentTo
}

// runScreen shows a screen of 160x50 with the first snapshot, until the test ends.
func runScreen(tb testing.TB, first *snapshot.Snapshot, keys ...string) *shown {
	tb.Helper()
	s := &shown{snapshots: make(chan *snapshot.Snapshot)}
	keyboard, typing := io.Pipe()
	ctx, cancel := context.WithCancel(tb.Context())
	opts := Options{Snapshots: s.snapshots, Input: keyboard, Output: &s.sent, Theme: theme.Default()}
	list := append(programOptions(ctx, opts), tea.WithWindowSize(160, 50), tea.WithColorProfile(colorprofile.TrueColor))
	s.program = tea.NewProgram(newModel(ctx, opts), list...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = s.program.Run() // the error is that of the context
	}()
	tb.Cleanup(func() {
		cancel()
		_ = typing.Close() // never fails
		<-ended
	})
	s.show(first)
	for _, key := range keys {
		s.program.Send(pressed(key))
		s.settle()
	}
	s.sent.take()
	return s
}

// pressed is the message of a key.
func pressed(key string) tea.KeyPressMsg {
	if key == "enter" {
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	}
	r := []rune(key)[0]
	return tea.KeyPressMsg{Code: r, Text: key}
}

// show gives it a snapshot, and returns what it sent for it.
func (s *shown) show(next *snapshot.Snapshot) int {
	s.snapshots <- next
	s.settle()
	return s.sent.take()
}

// settle waits until what came last is on the screen: a frame is sent within two ticks.
func (s *shown) settle() { time.Sleep(3 * time.Second / framesPerSecond) }

// steady are the snapshots of a busy host without trouble, four in a second.
func steady(tb testing.TB) []*snapshot.Snapshot {
	tb.Helper()
	return recorded.Series(tb, "crawler", 30*time.Second, 34*time.Second, 250*time.Millisecond)
}

// What a frame may send on average, in bytes.
const (
	steadyFrame    = 4 << 10
	unchangedFrame = 64
)

// TestFrameBytes: a screen on which little changes sends little, and one on which nothing does
// next to nothing.
func TestFrameBytes(t *testing.T) {
	t.Parallel()
	frames := steady(t)
	for name, keys := range map[string][]string{"spaces": nil, "processes": {"2"}, "space": {"enter"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := runScreen(t, frames[0], keys...)
			sent := 0
			for _, next := range frames[1:] {
				sent += s.show(next)
			}
			if mean := sent / (len(frames) - 1); mean > steadyFrame || mean == 0 {
				t.Errorf("a frame has %d bytes", mean)
			}
			if sent := s.show(frames[len(frames)-1]); sent > unchangedFrame {
				t.Errorf("a frame without a change has %d bytes", sent)
			}
		})
	}
}

// BenchmarkFrameBytes is what a frame sends, and the CPU time of all that is done for it, also
// beside the screen: as a share of a core with four frames in a second, at most 5 %.
func BenchmarkFrameBytes(b *testing.B) {
	calm, many, trouble := steady(b), crowdedFrames(10_000, 8, false), crowdedFrames(10_000, 8, true)
	for _, bm := range []struct {
		name   string
		frames []*snapshot.Snapshot
		keys   []string
	}{
		{"unchanged", calm[:1], nil},
		{"steady/spaces", calm, nil},
		{"steady/processes", calm, []string{"2"}},
		{"steady/space", calm, []string{"enter"}},
		{"10000/spaces", many, []string{"1"}},
		{"10000/processes", many, []string{"2"}},
		{"10000/destinations", many, []string{"3"}},
		{"10000/failures", many, []string{"4"}},
		{"10000/events", many, []string{"5"}},
		{"10000/space", many, []string{"1", "enter"}},
		{"10000/program", many, []string{"2", "enter"}},
		{"10000/trouble", trouble, []string{"1"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s := runScreen(b, bm.frames[0], bm.keys...)
			sent, frames, before := 0, 0, cpuTime()
			for b.Loop() {
				frames++
				sent += s.show(bm.frames[frames%len(bm.frames)])
			}
			used := float64(cpuTime()-before) / float64(frames)
			b.ReportMetric(float64(sent)/float64(frames), "B/frame")
			b.ReportMetric(used/float64(time.Millisecond), "cpu-ms/frame")
			b.ReportMetric(100*4*used/float64(time.Second), "%core@4/s")
			b.ReportMetric(0, "ns/op") // it waits for the frame
		})
	}
}

// BenchmarkJudged is what is done with a snapshot beside the screen: it is judged.
func BenchmarkJudged(b *testing.B) {
	for name, trouble := range map[string]bool{"calm": false, "trouble": true} {
		s := crowdedFrames(10_000, 1, trouble)[0]
		findings := doctor.Judge(s)
		b.Run("doctor/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doctor.Judge(s)
			}
		})
		b.Run("verdict/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verdict.Of(s, findings)
			}
		})
	}
}
