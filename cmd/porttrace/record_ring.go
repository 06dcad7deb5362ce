package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/flight"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// ringFlags make record keep only the last minutes.
type ringFlags struct {
	length        time.Duration
	on            []string
	before, after time.Duration
	keep          int
}

const (
	ringBytes = 1 << 30 // of a ring, if --max-size is not given
	leastRing = 16 << 20
	ringKept  = 20
)

func (f *ringFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	durationVarP(flags, &f.length, "ring", "", 0, "keep the last `TIME`, as in 10m, in files in the directory -o DIR; the oldest are deleted")
	listVarP(flags, &f.on, "on", "", nil, "with --ring: keep the time before and after `WHAT`, under DIR/incidents: full (a port space is full, "+
		"or a call found no port), high (more than 80% taken), failure (any connect or bind failed), or a finding (see porttrace explain)")
	durationVarP(flags, &f.before, "before", "", 2*time.Minute, "with --on: how much `TIME` before it is kept")
	durationVarP(flags, &f.after, "after", "", 2*time.Minute, "with --on: how much `TIME` after it is kept")
	flags.IntVar(&f.keep, "keep", ringKept, "with --on: keep the last `N` incidents")
	inGroup(flags, groupOutput, "ring", "on", "before", "after", "keep")
}

// kept returns how much is kept: what an incident takes, too.
func (f *ringFlags) kept() time.Duration {
	if len(f.on) == 0 {
		return f.length
	}
	return max(f.length, f.before)
}

// checkRing returns the usage error of a ring, and sets its size if none is given.
func (f *recordFlags) checkRing(maxSize *int64) error {
	r := &f.ring
	if !f.given("ring") {
		for _, name := range []string{"on", "before", "after", "keep"} {
			if f.given(name) {
				return usagef("--%s is for a ring: add --ring TIME -o DIR", name)
			}
		}
		return nil
	}
	for _, name := range []string{"before", "after", "keep"} {
		if f.given(name) && len(r.on) == 0 {
			return usagef("--%s is for incidents: add --on WHAT", name)
		}
	}
	switch {
	case r.length <= 0:
		return usagef("--ring %s: must be more than 0", r.length)
	case r.before < 0 || r.after < 0:
		return usagef("--before and --after must not be negative")
	case r.keep < 1:
		return usagef("--keep %d: must be at least 1", r.keep)
	case f.file == "" || f.file == "-":
		return usagef("--ring needs a directory: add -o DIR")
	case f.force:
		return usagef("--force is for a file: a ring overwrites none")
	}
	if *maxSize = cmp.Or(*maxSize, ringBytes); *maxSize < leastRing {
		return usagef("--max-size %s: a ring needs 16M at least, as each of its files begins with all sockets", f.maxSize)
	}
	if info, err := os.Stat(f.file); err == nil && !info.IsDir() {
		return usagef("-o %s: must be a directory, for the files of --ring", f.file)
	}
	return checkWatch(r.on)
}

// sayLine writes a line over the progress, which only a terminal shows.
func sayLine(line string) {
	if isTerminal(os.Stderr) {
		line = "\r" + line
	}
	fmt.Fprintln(os.Stderr, line)
}

// runRing records into a ring until it is ended.
func (f *recordFlags) runRing(ctx context.Context, session *session, maxSize int64) error {
	var head pipeline.Head
	f.privileges.dirs = []string{f.file}
	_, missing := os.Stat(f.file)
	recorder, err := flight.New(flight.Options{
		Dir: f.file, Length: f.ring.kept(), MaxBytes: maxSize,
		Before: f.ring.before, After: f.ring.after, Incidents: f.ring.keep,
		Head:   head.Each,
		Repeat: session.source.Repeat,
		Say:    sayLine,
	})
	if err != nil {
		return fileError("recording", f.file, err)
	}
	if errors.Is(missing, fs.ErrNotExist) {
		err = f.privileges.ownDir(f.file)
	}
	if err = cmp.Or(err, session.begin()); err != nil {
		return errors.Join(err, recorder.Close(0))
	}
	shown := newProgress(os.Stderr, f.file, recorder.Stats)
	watch := newWatch(f.ring.on)
	now := event.Time(0)
	opts := pipeline.Options{
		Filter: session.filter, Scans: true, Head: &head, Cost: linux.CPUTime,
		Tee: func(e *event.Event, world *event.World) error {
			shown.note(e)
			return recorder.Add(e, world)
		},
		AfterBatch: func(at event.Time) error {
			now = at
			shown.update(at)
			return recorder.EndBatch(at)
		},
	}
	if len(f.ring.on) > 0 {
		opts.EveryStream = judgeEvery
		opts.Observe = func(s *snapshot.Snapshot) {
			if cause, why := watch.observe(s, recorder.Keeping()); cause != "" {
				recorder.Keep(now, cause, why)
			}
		}
		_, err = pipeline.Aggregate(ctx, session.stream, opts)
	} else {
		err = pipeline.Run(ctx, session.stream, opts)
	}
	err = cmp.Or(err, recorder.Close(now))
	shown.end()
	return err
}
