package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/doctor"
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
	offer(cmd, "on", slices.Concat(watched, names(doctor.Causes()))...)
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

// checkUnused refuses the flags of a ring without one.
func (f *ringFlags) checkUnused(given func(flag string) bool) error {
	for _, name := range []string{"on", "before", "after", "keep"} {
		if given(name) {
			return usagef("--%s is for a ring: add --ring TIME -o DIR", name)
		}
	}
	return nil
}

// check returns the usage error of a ring in a directory, as long as --max-size says; 0: as its default is.
func (f *ringFlags) check(given func(flag string) bool, dir string, maxSize sizeFlag) error {
	for _, name := range []string{"before", "after", "keep"} {
		if given(name) && len(f.on) == 0 {
			return usagef("--%s is for incidents: add --on WHAT", name)
		}
	}
	switch {
	case f.length <= 0:
		return usagef("--ring %s: must be more than 0", f.length)
	case f.before < 0 || f.after < 0:
		return usagef("--before and --after must not be negative")
	case f.keep < 1:
		return usagef("--keep %d: must be at least 1", f.keep)
	case dir == "" || dir == "-":
		return usagef("--ring needs a directory: add -o DIR")
	}
	if n := maxSize.bytes; n != 0 && n < leastRing {
		return usagef("--max-size %s: a ring needs 16M at least, as each of its files begins with all sockets", maxSize.text)
	}
	return cmp.Or(checkWatch(f.on), checkRingDir(dir))
}

// checkRingDir refuses a directory that open cannot make. It makes the last one only: with more, a name that is
// mistyped would be a ring that is not found when it is needed.
func checkRingDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return usagef("-o %s: must be a directory, for the files of --ring", dir)
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(filepath.Clean(dir))); err != nil {
			return fileError("recording", filepath.Clean(dir), err)
		}
	}
	return nil
}

// sayLine writes a line over the progress, which only a terminal shows.
func sayLine(line string) {
	if isTerminal(os.Stderr) {
		line = "\r" + line
	}
	fmt.Fprintln(os.Stderr, line)
}

// ring is a flight recorder as a part of a run.
type ring struct {
	*flight.Recorder
	head  pipeline.Head
	watch *watch // nil: no incident is kept
	now   event.Time
}

// open makes the directory, and a recorder into it of what the session traces. If it was not there, it
// belongs to the user as which the session goes on.
func (f *ringFlags) open(dir string, maxSize int64, session *session) (*ring, error) {
	r := &ring{}
	if len(f.on) > 0 {
		r.watch = newWatch(f.on)
	}
	_, missing := os.Stat(dir)
	var err error
	r.Recorder, err = flight.New(flight.Options{
		Dir: dir, Length: f.kept(), MaxBytes: cmp.Or(maxSize, ringBytes),
		Before: f.before, After: f.after, Incidents: f.keep,
		Head:   r.head.Each,
		Repeat: session.source.Repeat,
		Say:    sayLine,
	})
	if err != nil {
		return nil, fileError("recording", dir, err)
	}
	session.privileges.dirs = append(session.privileges.dirs, dir)
	if errors.Is(missing, fs.ErrNotExist) {
		sayLine("made the directory " + dir)
		if err := session.privileges.ownDir(dir); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// endBatch is called after each batch.
func (r *ring) endBatch(now event.Time) error {
	r.now = now
	return r.EndBatch(now)
}

// observe keeps an incident if the snapshot shows one. A watch needs a snapshot every judgeEvery.
func (r *ring) observe(s *snapshot.Snapshot) {
	if r.watch == nil {
		return
	}
	keeping := r.Keeping()
	switch cause, why := r.watch.observe(s, keeping); {
	case cause == "":
	case keeping:
		r.Worsen(r.now, cause, why)
	default:
		r.Keep(r.now, cause, why)
	}
}

// close ends the recording.
func (r *ring) close() error { return r.Close(r.now) }

// runRing records into a ring until it is ended.
func (f *recordFlags) runRing(ctx context.Context, session *session) error {
	ring, err := f.ring.open(f.file, f.maxSize.bytes, session)
	if err != nil {
		return err
	}
	if err := session.begin(); err != nil {
		return errors.Join(err, ring.close())
	}
	shown := newProgress(os.Stderr, f.file, ring.Stats)
	shown.gaps = ring.Unrecorded
	opts := pipeline.Options{
		Filter: session.filter, Scans: true, Head: &ring.head, Cost: linux.CPUTime,
		Tee: func(e *event.Event, world *event.World) error {
			shown.note(e)
			return ring.Add(e, world)
		},
		AfterBatch: func(at event.Time) error {
			shown.update(at)
			return ring.endBatch(at)
		},
	}
	if ring.watch != nil {
		opts.EveryStream, opts.Observe = judgeEvery, ring.observe
		_, err = pipeline.Aggregate(ctx, session.stream, opts)
	} else {
		err = pipeline.Run(ctx, session.stream, opts)
	}
	err = cmp.Or(err, ring.close())
	shown.end()
	return err
}
