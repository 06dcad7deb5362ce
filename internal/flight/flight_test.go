package flight

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

var turnover = flag.Int("turnover", 500, "how many segments TestTurnover makes")

// run is a recorder that is fed by hand: a service that opens a connection each second, and closes it.
type run struct {
	*Recorder
	t     *testing.T
	state *pipeline.State
	now   event.Time
	port  uint16
	said  []string
	// Of a test that has something beside the recorder.
	tee   func(*event.Event, *event.World)
	after func(event.Time)
}

const start = event.Time(time.Hour)

// newRun begins a run with a batch of facts, and these events.
func newRun(t *testing.T, opts Options, first ...event.Event) *run {
	t.Helper()
	r := &run{t: t, state: pipeline.NewState(nil), now: start}
	opts.Head = func(put func(*event.Event, *event.World) error) error { return r.state.EachHead(r.now, put) }
	opts.Repeat = func() {}
	opts.Say = func(line string) { r.said = append(r.said, line) }
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 1 << 30
	}
	var err error
	if r.Recorder, err = New(opts); err != nil {
		t.Fatal(err)
	}
	facts := []event.Event{
		{Kind: event.ClockAnchor, Fact: event.Clock{Mono: start, Wall: 1.8e18, Boot: int64(start)}},
		{Kind: event.NetnsKnown, Fact: &event.Netns{Inode: 1, TimeWait: -1, Ports: event.PortRange{Low: 32768, High: 60999}}},
		{Kind: event.ProcessKnown, Fact: &event.Process{ID: event.ProcID{PID: 7, Start: 7}, Comm: "shop"}},
	}
	r.batch(append(facts, first...)...)
	return r
}

// batch feeds the events of a moment.
func (r *run) batch(events ...event.Event) {
	r.t.Helper()
	for i := range events {
		events[i].Time = r.now
	}
	add := func(e *event.Event, world *event.World) error {
		if r.tee != nil {
			r.tee(e, world)
		}
		return r.Add(e, world)
	}
	if err := errors.Join(r.state.Add(event.Batch{Events: events, Now: r.now}, add), r.EndBatch(r.now)); err != nil {
		r.t.Fatal(err)
	}
	if r.after != nil {
		r.after(r.now)
	}
}

// open is a connection of the program to port 80.
func open(number uint16) event.Event {
	return event.Event{
		Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: 1, Count: 1, Proc: event.ProcID{PID: 7, Start: 7},
		Src: event.Endpoint{Port: 32768 + number%1000}, Dst: event.Endpoint{Port: 80}, Cookie: uint64(number) + 1,
	}
}

// seconds goes on for some seconds.
func (r *run) seconds(n int) {
	r.t.Helper()
	for range n {
		r.now = r.now.Add(time.Second)
		r.port++
		e := open(r.port)
		closed := e
		closed.Kind, closed.ClosedBy = event.Close, event.Local
		r.batch(e, closed)
	}
}

// read returns the recording that files are, and its opens.
func read(t *testing.T, names []string) (r *record.Reader, opens int) {
	t.Helper()
	var parts []record.Part
	for _, name := range names {
		file, size, err := record.OpenPart(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		parts = append(parts, record.Part{Name: name, File: file, Size: size})
	}
	r, err := record.Join(parts)
	if err != nil {
		t.Fatal(err)
	}
	for {
		batch, err := r.Read(context.Background())
		for i := range batch.Events {
			if batch.Events[i].Kind == event.Open {
				opens++
			}
		}
		if errors.Is(err, io.EOF) {
			return r, opens
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	names, err := Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What happens in the first batch is recorded, too: a command that the run has started may be done by its
// end.
func TestFirstBatch(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ring")
	r := newRun(t, Options{Dir: dir, Length: time.Minute}, open(1000), open(1001))
	r.seconds(3)
	if err := r.Close(r.now); err != nil {
		t.Fatal(err)
	}
	if _, opens := read(t, filesOf(t, dir)); opens != 5 {
		t.Errorf("%d of 5 opens are recorded", opens)
	}
}

// Two recorders do not share a directory.
func TestOneRecorder(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: t.TempDir(), Length: time.Minute}
	r := newRun(t, opts)
	if _, err := New(opts); err == nil || !strings.Contains(err.Error(), "another porttrace records into it") {
		t.Errorf("a second recorder: %v", err)
	}
	if err := r.Close(r.now); err != nil {
		t.Fatal(err)
	}
	again, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(r.now); err != nil {
		t.Fatal(err)
	}
}

// A ring has the last minutes without a gap, and not much more.
func TestRing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ring")
	r := newRun(t, Options{Dir: dir, Length: time.Minute})
	r.seconds(600)
	if err := r.Close(r.now); err != nil {
		t.Fatal(err)
	}
	names := filesOf(t, dir)
	rec, opens := read(t, names)
	begin, end := rec.Span()
	if length := end.Sub(begin); length < time.Minute || length > 80*time.Second || len(rec.Gaps()) > 0 {
		t.Errorf("%d files have %s, gaps %v", len(names), length, rec.Gaps())
	}
	if want := int(end.Sub(begin) / time.Second); opens != want {
		t.Errorf("%d opens in %d s", opens, want)
	}
	for _, name := range names {
		read(t, []string{name}) // each is a recording
	}
}

// What was before and after an incident is kept, under a name with its time and cause. The oldest
// incidents are deleted.
func TestIncidents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRun(t, Options{Dir: dir, Length: time.Minute, Before: 20 * time.Second, After: 10 * time.Second, Incidents: 2})
	for range 4 {
		r.seconds(100)
		at := r.now
		r.Keep(r.now, "full", "a space is full")
		r.Keep(r.now, "full", "and again")
		for tries := 0; r.incident != nil && tries < 2000; tries++ {
			r.seconds(1)
			time.Sleep(time.Millisecond) // until its files are closed
		}
		names := incidentsOf(t, dir)
		last := names[len(names)-1]
		stamp, _, _ := strings.Cut(last, "-")
		if want := r.wall(at).UTC().Format(incidentLayout); stamp != want || !strings.HasSuffix(last, "-full") {
			t.Errorf("%s, want %s-full", last, want)
		}
		rec, opens := read(t, filesOf(t, filepath.Join(dir, incidents, last)))
		begin, end := rec.Span()
		before, after := at.Sub(begin), end.Sub(at)
		if before < 20*time.Second || before > 30*time.Second || after < 10*time.Second || after > 12*time.Second || len(rec.Gaps()) > 0 {
			t.Errorf("%s before and %s after, gaps %v", before, after, rec.Gaps())
		}
		if want := int(end.Sub(begin) / time.Second); opens != want {
			t.Errorf("%d opens in %d s", opens, want)
		}
	}
	if names := incidentsOf(t, dir); len(names) != 2 {
		t.Errorf("kept: %v", names)
	}
	if len(r.said) != 4 {
		t.Errorf("said: %q", r.said)
	}
}

// An incident that becomes worse has that in its name, and stays one. Its files go on.
func TestIncidentWorsens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRun(t, Options{Dir: dir, Length: time.Minute, Before: 20 * time.Second, After: 20 * time.Second, Incidents: 1})
	r.Worsen(r.now, "full", "of none")
	r.seconds(100)
	at := r.now
	r.Keep(r.now, "no_ipv6", "a finding")
	r.seconds(10)
	r.Worsen(r.now, "full", "a space is full")
	for tries := 0; r.incident != nil && tries < 2000; tries++ {
		r.seconds(1)
		time.Sleep(time.Millisecond) // until its files are closed
	}
	names := incidentsOf(t, dir)
	want := r.wall(at).UTC().Format(incidentLayout) + "-no_ipv6-full"
	if len(names) != 1 || names[0] != want || NewestIncident(dir) != filepath.Join(dir, incidents, want) {
		t.Fatalf("incidents %v, newest %s, want %s", names, NewestIncident(dir), want)
	}
	rec, _ := read(t, filesOf(t, filepath.Join(dir, incidents, want)))
	if begin, end := rec.Span(); at.Sub(begin) < 20*time.Second || end.Sub(at) < 20*time.Second || len(rec.Gaps()) > 0 {
		t.Errorf("%s before and %s after, gaps %v", at.Sub(begin), end.Sub(at), rec.Gaps())
	}
	if len(r.said) != 2 || !strings.Contains(r.said[1], "-no_ipv6 is now "+want) {
		t.Errorf("said: %q", r.said)
	}
}

func incidentsOf(t *testing.T, dir string) []string {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return incidentsIn(root)
}

// TestStrangeDirectory: the directory can be another user's, who puts links into it: nothing is made or
// deleted outside.
func TestStrangeDirectory(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	other := filepath.Join(outside, "20200101T000000Z-full")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	recording := filepath.Join(other, "20200101T000000.000Z.ptrace")
	if err := os.WriteFile(recording, []byte("another ring's"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{incidents: outside, "20200101T000000.000Z.ptrace": recording} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	r := newRun(t, Options{Dir: dir, Length: time.Minute, Before: time.Second, After: time.Second, Incidents: 1})
	r.seconds(100)
	r.Keep(r.now, "full", "a space is full")
	r.seconds(10)
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside are %v, %v", entries, err)
	}
	if text, err := os.ReadFile(recording); err != nil || string(text) != "another ring's" {
		t.Errorf("%q, %v", text, err)
	}
	if len(r.said) != 1 || !strings.Contains(r.said[0], "cannot be kept") {
		t.Errorf("said: %q", r.said)
	}
}

// Whenever it is killed, what is there can be read, and a later run goes on in the same directory.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRun(t, Options{Dir: dir, Length: time.Minute})
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 10 {
		r.seconds(1 + random.IntN(60))
		names := filesOf(t, dir)
		crashed := t.TempDir()
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err == nil {
				err = os.WriteFile(filepath.Join(crashed, filepath.Base(name)), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		// The last write can have stopped anywhere.
		last := filepath.Join(crashed, filepath.Base(names[len(names)-1]))
		info, err := os.Stat(last)
		if err == nil && i%2 == 0 {
			err = os.Truncate(last, random.Int64N(info.Size()+1))
		}
		if err != nil {
			t.Fatal(err)
		}
		read(t, filesOf(t, crashed))
		later := newRun(t, Options{Dir: crashed, Length: time.Minute})
		later.now = r.now.Add(time.Minute)
		later.seconds(200)
		if err := later.Close(later.now); err != nil {
			t.Fatal(err)
		}
		rec, _ := read(t, filesOf(t, crashed))
		if begin, end := rec.Span(); end.Sub(begin) > 80*time.Second {
			t.Errorf("what the run before has left is still there: %s", end.Sub(begin))
		}
	}
}

// TestKilledInIncident: the run that goes on after one that was killed gives its incident what is there of its
// time, once, and nothing that came later.
func TestKilledInIncident(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: t.TempDir(), Length: time.Minute, Before: 20 * time.Second, After: 30 * time.Second, Incidents: 2}
	r := newRun(t, opts)
	r.seconds(100)
	at := r.now
	r.Keep(r.now, "full", "a space is full")
	r.seconds(6)
	// As after a kill: the segment that is being written is in the ring alone.
	r.beside.Wait()
	killed := r.wall(r.now)
	if err := errors.Join(os.Chtimes(r.file.name, killed, killed), r.lock.Close()); err != nil {
		t.Fatal(err)
	}
	for _, one := range r.list {
		if err := os.Chtimes(one.name, one.end, one.end); err != nil {
			t.Fatal(err)
		}
	}
	dir := NewestIncident(opts.Dir)
	for range 2 {
		again, err := New(Options{Dir: opts.Dir, Length: opts.Length, Before: opts.Before, After: opts.After, Incidents: 2, Say: func(line string) { t.Error(line) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.lock.Close(); err != nil {
			t.Fatal(err)
		}
		rec, _ := read(t, filesOf(t, dir))
		if begin, _ := rec.Span(); at.Sub(begin) < 20*time.Second || at.Sub(begin) > 30*time.Second {
			t.Errorf("%s before it is kept", at.Sub(begin))
		}
		if names := filesOf(t, dir); filepath.Base(names[len(names)-1]) != filepath.Base(r.file.name) {
			t.Errorf("it has %v, and not %s", names, r.file.name)
		}
		// A segment of a later run is none of its time.
		later, err := createSegment(opts.Dir, r.wall(at.Add(opts.After)))
		if err != nil {
			t.Fatal(err)
		}
		later.Close()
	}
}

// What is kept does not grow, however long it runs.
func TestTurnover(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/dev/shm", "flight")
	if err != nil {
		dir = t.TempDir()
	}
	defer os.RemoveAll(dir)
	r := newRun(t, Options{Dir: dir, Length: 8 * time.Second, MaxBytes: 64 << 10})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	r.seconds(100)
	before := heap()
	for range *turnover {
		r.seconds(1)
		size := int64(0)
		names := filesOf(t, dir)
		for _, name := range names {
			if info, err := os.Stat(name); err == nil {
				size += info.Size()
			}
		}
		if size > 64<<10 || len(names) > 12 {
			t.Fatalf("%d files of %d bytes", len(names), size)
		}
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("the heap has grown from %d to %d bytes", before, after)
	}
	if err := r.Close(r.now); err != nil {
		t.Fatal(err)
	}
	read(t, filesOf(t, dir))
}

// A full disk, or one that is gone, does not end the run.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ring")
	r := newRun(t, Options{Dir: dir, Length: 8 * time.Second})
	r.seconds(20)
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	r.seconds(20)
	if err := os.Rename(dir+"-gone", dir); err != nil {
		t.Fatal(err)
	}
	r.seconds(100)
	if err := r.Close(r.now); err != nil {
		t.Fatal(err)
	}
	if _, opens := read(t, filesOf(t, dir)); opens < 8 {
		t.Errorf("%d opens", opens)
	}
	if got := r.Unrecorded(); got < 10*time.Second || got > 100*time.Second {
		t.Errorf("for %s nothing was recorded", got)
	}
	if got := fmt.Sprint(r.said); !strings.Contains(got, "cannot record in") || !strings.Contains(got, "it records again") {
		t.Errorf("said: %s", got)
	}
}

// A disk that stays full leaves the newest of what was recorded before.
func TestDiskStaysFull(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ring")
	r := newRun(t, Options{Dir: dir, Length: 8 * time.Second})
	r.seconds(20)
	for range 20 {
		r.fail(r.now, unix.ENOSPC)
		r.beside.Wait()
		r.takeClosed()
	}
	if files := filesOf(t, dir); len(files) != 1 || files[0] != r.list[0].name {
		t.Errorf("left are %v", files)
	}
	if err := r.Close(r.now); err != nil {
		t.Fatal(err)
	}
}

// The directory of a mistyped path is not made.
func TestDirectoryOfMissingParent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mistyped", "ring")
	if _, err := New(Options{Dir: dir}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
