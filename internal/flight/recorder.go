package flight

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
)

// Options of a Recorder.
type Options struct {
	Dir      string
	Length   time.Duration // how much time is kept, at least
	MaxBytes int64         // of all segments together, without those of incidents
	// Of an incident: how much before and after it is kept, and how many incidents are.
	Before, After time.Duration
	Incidents     int
	// Head calls a function with all that the run knows, as pipeline.Head does; Repeat has the source
	// report again what only it knows.
	Head   func(put func(*event.Event, *event.World) error) error
	Repeat func()
	Say    func(line string) // for what the user must know: a full disk, an incident
}

const (
	segments   = 8 // of the length, and of the bytes
	shortest   = time.Second
	longest    = 10 * time.Minute
	firstRetry = time.Second // after an error of the disk
	lastRetry  = time.Minute
)

// Recorder keeps the last minutes. Errors of the disk do not end it: what is there stays readable, and
// it begins a new segment when there is room.
type Recorder struct {
	opts   Options
	lock   *os.File
	length time.Duration // of a segment

	started bool
	current *record.Segment // nil after an error, until the next attempt
	file    *segment        // of current
	began   event.Time      // current
	clock   event.Clock
	retryAt event.Time
	retry   time.Duration
	failing bool // a line has said that nothing is recorded

	read       event.Time    // the end of the last batch
	unrecorded time.Duration // while failing

	list     []*segment // closed ones, oldest first
	incident *incident  // that is being kept
	stats    record.Stats
	beside   sync.WaitGroup
	closing  chan struct{} // has one while a segment is being closed
	mu       sync.Mutex    // of what is closed beside
	closed   []closed
}

// closed is a segment that was closed.
type closed struct {
	*segment
	stats record.Stats
	err   error
}

// New returns a recorder into a directory, which it makes, but not the one that it is to be in: that of
// a mistyped path is not there. The segments that an earlier run has left count, and an incident that was being
// kept when it was killed gets those of its time. An error is that of the directory, or that another
// recorder has it.
func New(opts Options) (*Recorder, error) {
	if err := os.Mkdir(opts.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	lock, err := lockDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	list, err := segmentsIn(opts.Dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	r := &Recorder{
		lock: lock,
		opts: opts, length: min(max(opts.Length/segments, shortest), longest), retry: firstRetry, list: list,
		closing: make(chan struct{}, 1),
	}
	r.takeUp()
	return r, nil
}

// lockDir returns the directory, locked until it is closed: two recorders would delete each other's
// segments, and leave some that overlap.
func lockDir(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	// Other errors are those of a file system without locks, as NFS has none of directories.
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		taken := &fs.PathError{Op: "lock", Path: dir, Err: errors.New("another porttrace records into it: choose another directory")}
		return nil, errors.Join(taken, file.Close())
	}
	return file, nil
}

// Add is a pipeline.Tee. The first segment begins with the stream, which itself begins with all that is
// known.
func (r *Recorder) Add(e *event.Event, world *event.World) error {
	r.clock = world.Clock
	if !r.started {
		r.started = true
		r.create(e.Time)
	}
	if r.current != nil {
		if err := r.current.Add(e, world); err != nil {
			r.fail(e.Time, err)
		}
	}
	return nil
}

// EndBatch must be called after each batch. A segment ends when its time is over, and the next begins.
func (r *Recorder) EndBatch(now event.Time) error {
	if r.failing && r.read != 0 {
		r.unrecorded += now.Sub(r.read)
	}
	r.read = now
	if r.current != nil {
		if err := r.current.EndBatch(now); err != nil {
			r.fail(now, err)
		}
	}
	r.takeClosed()
	r.noteSuccess()
	if r.current == nil && now >= r.retryAt || r.current != nil && r.isDone(now) {
		r.next(now)
	}
	r.followIncident(now)
	r.trim(now)
	return nil
}

// wall returns a moment on the wall clock.
func (r *Recorder) wall(at event.Time) time.Time {
	if r.clock == (event.Clock{}) { // not known yet
		return time.Now()
	}
	return r.clock.WallTime(at)
}

// isDone reports whether the segment has its time, or its bytes. What it begins with can be more than
// these, so it has a second in any case.
func (r *Recorder) isDone(now event.Time) bool {
	age := now.Sub(r.began)
	return age >= r.length || age >= shortest && r.current.Stats().Bytes >= r.opts.MaxBytes/segments
}

// next ends the segment and begins another one, which goes on where that ends.
func (r *Recorder) next(now event.Time) {
	r.endSegment(now)
	if r.create(now); r.current == nil {
		return
	}
	r.opts.Repeat()
	if err := r.current.Begin(now, r.opts.Head); err != nil {
		r.fail(now, err)
	}
}

// create makes the file of a segment. After an error there is none.
func (r *Recorder) create(now event.Time) {
	file, err := createSegment(r.opts.Dir, r.wall(now))
	if err != nil {
		r.fail(now, err)
		return
	}
	current, err := record.NewSegment(file, 0)
	if err != nil {
		r.fail(now, errors.Join(err, file.Close()))
		return
	}
	r.current, r.began = current, now
	r.file = &segment{name: file.Name(), begin: r.wall(now), file: file}
}

// endSegment has the segment closed. It waits for the one before, so that they are closed in order.
func (r *Recorder) endSegment(now event.Time) {
	if r.current == nil {
		return
	}
	current, file := r.current, r.file
	r.current, r.file = nil, nil
	file.end = r.wall(now)
	r.closing <- struct{}{}
	r.beside.Go(func() {
		err := errors.Join(current.Close(), file.file.Close())
		r.mu.Lock()
		r.closed = append(r.closed, closed{file, current.Stats(), err})
		r.mu.Unlock()
		<-r.closing
	})
}

// takeClosed takes what has become of segments that were closed.
func (r *Recorder) takeClosed() {
	r.mu.Lock()
	done := r.closed
	r.closed = nil
	r.mu.Unlock()
	for _, one := range done {
		if one.err != nil {
			r.sayFailure(one.err)
		}
		if one.stats.Events == 0 {
			_ = os.Remove(one.name) // of a full disk: there is nothing in it
			continue
		}
		one.bytes = one.stats.Bytes
		r.stats.Bytes += one.stats.Bytes
		r.stats.Events += one.stats.Events
		r.list = append(r.list, one.segment)
		r.keep(one.segment)
	}
}

// noteSuccess ends a failure as soon as something is on the disk again.
func (r *Recorder) noteSuccess() {
	if r.failing && r.current != nil && r.current.Stats().Events > 0 {
		r.failing, r.retry = false, firstRetry
		r.opts.Say("it records again in " + r.opts.Dir)
	}
}

// trim deletes the oldest segments: those that are older than the time that is kept, and those that
// are too many bytes.
func (r *Recorder) trim(now event.Time) {
	bytes := int64(0)
	if r.current != nil {
		bytes = r.current.Stats().Bytes
	}
	for _, one := range r.list {
		bytes += one.bytes
	}
	oldest := r.wall(now).Add(-r.opts.Length)
	for len(r.list) > 0 && (r.list[0].end.Before(oldest) || bytes > r.opts.MaxBytes) {
		bytes -= r.list[0].bytes
		r.deleteOldest()
	}
}

// deleteOldest deletes a segment. One that cannot be deleted is given up: it may be gone already.
func (r *Recorder) deleteOldest() {
	if len(r.list) > 0 {
		_ = os.Remove(r.list[0].name)
		r.list = r.list[1:]
	}
}

// fail gives up a segment. What it has is whole. If the disk is full the oldest one is deleted, but not
// the last that is left: others may take the room that it gives. The next attempt is made soon.
func (r *Recorder) fail(now event.Time, err error) {
	r.sayFailure(err)
	r.endSegment(now)
	if full := errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT); full && len(r.list) > 1 {
		r.deleteOldest()
	}
	r.retryAt = now.Add(r.retry)
	r.retry = min(2*r.retry, lastRetry)
}

// sayFailure says once that nothing is recorded, until something is again.
func (r *Recorder) sayFailure(err error) {
	if !r.failing {
		r.failing = true
		r.opts.Say(fmt.Sprintf("cannot record in %s: %v; it goes on as soon as that is possible", r.opts.Dir, err))
	}
}

// Writes reports whether the ring is written, and not given up for now: the disk is full, or the directory gone.
func (r *Recorder) Writes() bool { return !r.failing }

// Unrecorded returns for how long it was not written.
func (r *Recorder) Unrecorded() time.Duration { return r.unrecorded }

// Stats returns what was recorded so far.
func (r *Recorder) Stats() record.Stats {
	s := r.stats
	if r.current != nil {
		now := r.current.Stats()
		s.Bytes, s.Events = s.Bytes+now.Bytes, s.Events+now.Events
	}
	return s
}

// Close ends the recording.
func (r *Recorder) Close(now event.Time) error {
	r.endSegment(now)
	r.beside.Wait()
	r.takeClosed()
	r.endIncident()
	r.trim(now)
	return r.lock.Close()
}
