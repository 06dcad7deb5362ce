package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/tui"
)

// screenRecorder is the tui.Recorder of a live screen. The screen calls Toggle and Recording; the
// pipeline calls add and endBatch; files are opened and closed beside both, since a slow disk must
// keep neither waiting.
type screenRecorder struct {
	ctx     context.Context
	cancel  context.CancelFunc
	head    pipeline.Head
	repeat  func() // has the source report again what only it knows
	segment *screenSegment
	ending  event.Time // since when the segment has been to end; 0: it has not
	account bool       // the tracer has given account of its losses since then
	beside  sync.WaitGroup

	mu     sync.Mutex
	wanted bool           // by the user
	busy   bool           // from the opening of a file until it is closed
	opened *screenSegment // a file that waits for the end of a batch
	over   bool           // nothing more comes
	state  tui.Recording
	stats  func() record.Stats // of the recording that runs
	made   []tui.Recording
}

// errOver is the error of a recording that could not begin before the end.
var errOver = errors.New("the tracing has ended")

// newScreenRecorder returns the recorder of a run of the source.
func newScreenRecorder(ctx context.Context, source pipeline.Source) *screenRecorder {
	r := &screenRecorder{repeat: func() {}}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if live, ok := source.(interface{ Repeat() }); ok {
		r.repeat = live.Repeat
	}
	return r
}

// connect makes it a part of the run. A recording has what porttrace record with the same filter
// would have: all events, with marks at those that the filter leaves out.
func (r *screenRecorder) connect(opts *pipeline.Options) {
	opts.Head, opts.Tee, opts.AfterBatch = &r.head, r.add, r.endBatch
}

// Toggle begins a recording, or ends the one that runs.
func (r *screenRecorder) Toggle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		r.state.Err = fmt.Errorf("nothing more can be recorded: %w", errOver)
		r.state.Changes++
		return
	}
	r.wanted = !r.wanted
	r.openIfWanted()
}

// openIfWanted opens a file unless one is in use. mu must be held.
func (r *screenRecorder) openIfWanted() {
	if r.wanted && !r.busy && !r.over {
		r.busy = true
		r.beside.Go(r.open)
	}
}

// Recording returns what has become of it.
func (r *screenRecorder) Recording() tui.Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	state.Running = state.Running && r.wanted
	if r.stats != nil {
		stats := r.stats()
		state.Bytes, state.Events = stats.Bytes, stats.Events
	}
	return state
}

func (r *screenRecorder) open() {
	s, err := createSegment(r.ctx)
	if !r.takeOpened(s, err) {
		r.closeSegment(s, errOver)
	}
}

// takeOpened leaves an open file to the pipeline, and returns false if that has ended meanwhile.
func (r *screenRecorder) takeOpened(s *screenSegment, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.busy, r.wanted = false, false
		r.state = tui.Recording{Err: err, Changes: r.state.Changes + 1}
	case r.over:
		return false
	default:
		r.opened = s
	}
	return true
}

// add is the pipeline.Tee. Whatever happens to a recording, the screen goes on.
func (r *screenRecorder) add(e *event.Event, world *event.World) error {
	if r.segment == nil {
		return nil
	}
	r.account = r.account || e.Kind == event.HealthKnown
	if err := r.segment.Add(e, world); err != nil {
		r.end(err)
	}
	return nil
}

// endBatch is called after each batch: a recording can begin and end.
func (r *screenRecorder) endBatch(now event.Time) error {
	r.mu.Lock()
	opened, wanted := r.opened, r.wanted
	r.opened = nil
	r.mu.Unlock()
	var err error
	if opened != nil {
		err = r.begin(opened, now)
	}
	if r.segment != nil {
		if err = cmp.Or(err, r.segment.EndBatch(now)); err != nil || r.isOver(wanted, now) {
			r.end(err)
		}
	}
	return nil
}

// accountWait is for how long a recording waits for the tracer's account, which comes once a second.
const accountWait = 3 * time.Second

// isOver reports whether the recording ends with this batch: when the user wants it, and what was
// lost until then is known.
func (r *screenRecorder) isOver(wanted bool, now event.Time) bool {
	switch {
	case wanted:
		r.ending = 0
		return false
	case r.ending == 0:
		r.ending, r.account = now, false
		return false
	}
	return r.account || now.Sub(r.ending) >= accountWait
}

// begin begins the recording with all that is known.
func (r *screenRecorder) begin(s *screenSegment, now event.Time) error {
	r.segment, r.ending = s, 0
	r.mu.Lock()
	r.stats = s.Stats
	r.state = tui.Recording{File: s.name, Running: true, Since: now, Changes: r.state.Changes + 1}
	r.mu.Unlock()
	r.repeat()
	return s.Begin(now, r.head.Each)
}

// end ends the recording, because the user wants it or for an error.
func (r *screenRecorder) end(err error) {
	s := r.segment
	r.segment = nil
	r.mu.Lock()
	r.state.Running = false
	r.wanted = r.wanted && err == nil
	r.mu.Unlock()
	r.beside.Go(func() { r.closeSegment(s, err) })
}

// closeSegment closes the file, and removes one with nothing in it.
func (r *screenRecorder) closeSegment(s *screenSegment, err error) {
	err = cmp.Or(err, s.Close())
	err = cmp.Or(err, s.file.Close())
	stats := s.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	done := tui.Recording{File: s.name, Since: r.state.Since, Bytes: stats.Bytes, Events: stats.Events, Changes: r.state.Changes + 1}
	switch {
	case stats.Events == 0:
		done.File, done.Err = "", errors.Join(cannotRecord(err), os.Remove(s.name))
	case err != nil:
		done.Err = fmt.Errorf("the recording ended: %w; %s has what came before", causeOf(err), s.name)
	}
	if stats.Events > 0 {
		r.made = append(r.made, done)
	}
	r.state, r.stats, r.busy = done, nil, false
	r.openIfWanted()
}

// lastWait is for how long the end waits for a disk.
const lastWait = 5 * time.Second

// close ends what runs and waits until it is in its file. The pipeline must have ended.
func (r *screenRecorder) close() {
	r.mu.Lock()
	r.over, r.wanted = true, false
	opened := r.opened // it has not begun
	r.opened = nil
	r.mu.Unlock()
	r.cancel()
	if r.segment != nil {
		r.end(nil)
	}
	if opened != nil {
		r.beside.Go(func() { r.closeSegment(opened, errOver) })
	}
	closed := make(chan struct{})
	go func() { r.beside.Wait(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(lastWait):
		r.giveUp()
	}
}

// giveUp lists the recording that the disk does not take.
func (r *screenRecorder) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy && r.stats != nil {
		stats := r.stats()
		left := tui.Recording{File: r.state.File, Bytes: stats.Bytes, Events: stats.Events}
		left.Err = fmt.Errorf("the disk does not answer: %s may lack its end", left.File)
		r.made = append(r.made, left)
	}
}

// print prints where the recordings are. It must be called when the screen has ended.
func (r *screenRecorder) print(to io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, made := range r.made {
		if made.Err != nil {
			fmt.Fprintf(to, "%v\n", made.Err)
		}
		fmt.Fprintf(to, "recorded %s: porttrace replay %s\n", phrase.Plural(made.Events, "event"), made.File)
	}
}
