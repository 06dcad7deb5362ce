package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// inputFlags choose what a command summarizes: a recording, or the next seconds of this host.
type inputFlags struct {
	liveFlags
	windowFlags
	duration time.Duration
	liveOnly []string                 // further flags that are for tracing
	observe  func(*snapshot.Snapshot) // takes each that is judged, if it is set
}

func (f *inputFlags) register(cmd *cobra.Command, liveOnly ...string) {
	f.liveFlags.register(cmd)
	f.windowFlags.register(cmd)
	durationVarP(cmd.Flags(), &f.duration, "duration", "d", 10*time.Second, "trace for this `TIME`, as in 10s or 5m; a number is seconds")
	f.liveOnly = slices.Concat([]string{"hooks", "privileges", "user"}, mapSizeFlags, liveOnly)
}

// ofFile reports whether the operands are a recording, not a command to trace.
func ofFile(cmd *cobra.Command, args []string) bool {
	return len(args) > 0 && cmd.ArgsLenAtDash() != 0
}

// operands allows a recording or a command, and refuses the flags of the other case.
func (f *inputFlags) operands(cmd *cobra.Command, args []string) error {
	if !ofFile(cmd, args) {
		for _, flag := range []string{"from", "to"} {
			if f.given(flag) {
				return usagef("--%s is for a recording: name its file", flag)
			}
		}
		return f.args(cmd, args)
	}
	if err := manyPIDs(cmd, args); err != nil {
		return err
	}
	if f.given("duration") {
		return usagef("--duration is for tracing: --from and --to choose a part of a recording")
	}
	for _, flag := range f.liveOnly {
		if f.given(flag) {
			return usagef("--%s is for tracing, and %s is a recording", flag, args[0])
		}
	}
	return recordingFiles(cmd, args)
}

// checkDuration returns the usage error of a duration that is none.
func (f *inputFlags) checkDuration() error {
	if f.duration <= 0 {
		return usagef("--duration %s: must be more than 0", f.duration)
	}
	return nil
}

// trace attaches. Without privileges its error has what works without them.
func (f *inputFlags) trace(ctx context.Context, without string) (*session, error) {
	session, err := f.open(ctx)
	if errors.As(err, new(untraceable)) {
		return nil, fmt.Errorf("%w; %s", err, without)
	}
	return session, err
}

// judgeLive traces for the duration, or until the command has ended.
func (f *inputFlags) judgeLive(s *session) (*judged, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	duration := f.duration
	if s.child != nil && !f.given("duration") {
		duration = 0 // the command's own end is the end
	}
	if duration > 0 && isTerminal(os.Stderr) {
		fmt.Fprintf(os.Stderr, "tracing for %s; Ctrl-C ends it early\n", phrase.Spelled(duration))
	}
	ctx, cancel, lasts := lasting(s.ctx, duration)
	defer cancel()
	return judge(ctx, s.stream, pipeline.Options{Filter: s.filter, Cost: linux.CPUTime, Observe: f.observe, AfterBatch: lasts})
}

// window returns the options of the part of the recording.
func (f *inputFlags) window(r *recording) (opts pipeline.Options, err error) {
	opts.Filter = r.filter
	opts.From, opts.To, err = f.within(r)
	begin, end := r.Span()
	opts.EveryStream = time.Duration(cmp.Or(opts.To, end)-max(opts.From, begin)) / maxJudged
	return opts, err
}
