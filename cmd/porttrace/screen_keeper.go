package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/flight"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/tui"
)

// What a live screen keeps in memory: as much time as the screen itself goes back; in little memory fewer
// bytes.
const (
	keptLength = 5 * time.Minute
	keptBytes  = 4 << 20
)

// screenKeeper is the tui.Keeper of a live screen. The screen calls Keep and Kept; the pipeline calls what
// connect gives it; files are written beside both.
type screenKeeper struct {
	ctx    context.Context
	repeat func()
	memory *flight.Memory // of the pipeline's goroutine, until over
	beside sync.WaitGroup

	mu     sync.Mutex
	wanted bool // a file, of what is there at the end of a batch
	busy   bool // one is being written
	over   bool // nothing more comes
	now    event.Time
	state  tui.Kept // of the last file
	made   []tui.Written
}

// newScreenKeeper returns the keeper of a run whose source reports again what only it knows by repeat.
func newScreenKeeper(ctx context.Context, repeat func()) *screenKeeper {
	// A file that is being written is completed when the run ends.
	return &screenKeeper{ctx: context.WithoutCancel(ctx), repeat: repeat}
}

// connect makes it a part of a run that has a Head, a Tee and an AfterBatch already.
func (k *screenKeeper) connect(opts *pipeline.Options) {
	k.memory = flight.NewMemory(flight.MemoryOptions{
		Length: keptLength, MaxBytes: int64(bounds.OfProcess().Of(keptBytes)), Head: opts.Head.Each, Repeat: k.repeat,
	})
	tee, afterBatch := opts.Tee, opts.AfterBatch
	opts.Tee = func(e *event.Event, world *event.World) error {
		k.memory.Add(e, world)
		return tee(e, world)
	}
	opts.AfterBatch = func(now event.Time) error {
		k.endBatch(now)
		return afterBatch(now)
	}
}

// Keep has what is kept written to a file.
func (k *screenKeeper) Keep() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wanted = true
	if k.over {
		k.writeIfWanted(k.memory.Close)
	}
}

// Kept returns what is kept, and what has become of the last file.
func (k *screenKeeper) Kept() tui.Kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	state := k.inMemory()
	state.Written, state.Err, state.Changes = k.state.Written, k.state.Err, k.state.Changes
	return state
}

func (k *screenKeeper) inMemory() tui.Kept {
	kept := k.memory.Kept()
	return tui.Kept{
		Begin: kept.Begin, End: kept.End, Bytes: kept.Bytes, All: kept.All, Paused: kept.Paused,
		Length: keptLength, MaxBytes: int64(bounds.OfProcess().Of(keptBytes)),
	}
}

func (k *screenKeeper) endBatch(now event.Time) {
	k.memory.EndBatch(now)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = now
	k.writeIfWanted(k.memory.Take)
}

// writeIfWanted begins to write what take returns, unless that is being done. mu must be held.
func (k *screenKeeper) writeIfWanted(take func(event.Time) []*record.Memory) {
	if !k.wanted || k.busy {
		return
	}
	k.wanted = false
	segments, kept := take(k.now), k.inMemory()
	if len(segments) == 0 {
		k.done(tui.Written{}, errors.New("nothing is kept yet: c has why, R records from now on"))
		return
	}
	k.busy = true
	k.beside.Go(func() {
		written, err := k.write(segments)
		written.Lasts, written.Lacks = kept.End.Sub(kept.Begin), kept.Lacks()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.busy = false
		k.done(written, err)
	})
}

// done has the screen say what has become of a file. mu must be held.
func (k *screenKeeper) done(written tui.Written, err error) {
	k.state = tui.Kept{Written: written, Err: err, Changes: k.state.Changes + 1}
	if err == nil {
		k.made = append(k.made, written)
	}
}

// write makes the file. One that could not be written whole is removed: the memory still has what was
// to be in it.
func (k *screenKeeper) write(segments []*record.Memory) (tui.Written, error) {
	file, err := createNamed(k.ctx)
	if err != nil {
		return tui.Written{}, err
	}
	stats, err := record.WriteSegments(file, segments)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return tui.Written{}, errors.Join(cannotRecord(err), os.Remove(file.Name()))
	}
	return tui.Written{File: file.Name(), Bytes: stats.Bytes}, nil
}

// close ends what is kept: it can still be written. The pipeline must have ended.
func (k *screenKeeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	k.memory.Close(k.now)
	k.writeIfWanted(k.memory.Close)
}

// print waits for the files, and prints where they are. It must be called when the screen has ended.
func (k *screenKeeper) print(to io.Writer) {
	written := make(chan struct{})
	go func() { k.beside.Wait(); close(written) }()
	select {
	case <-written:
	case <-time.After(lastWait):
		fmt.Fprintln(to, "the disk does not answer: the last minutes may not be in their file")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state.Err != nil {
		fmt.Fprintf(to, "%v\n", k.state.Err)
	}
	for _, made := range k.made {
		fmt.Fprintln(to, made.Line())
	}
}
