package main

import (
	"context"
	"errors"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// polls reports whether the screen shows what can be seen without BPF: tracing was
// refused, and nobody asked for a process, which is not seen so.
func (f *liveFlags) polls(err error) bool {
	return errors.As(err, new(untraceable)) && len(f.program) == 0 && f.none()
}

// showPolled shows the port spaces, and why there is no more.
func showPolled(ctx context.Context, why error) error {
	source := live.OpenPolled(why.Error())
	defer source.Close()
	return showScreen(ctx, source, pipeline.Options{}, "")
}

// takeCensus is what can be seen without privilege within the duration, or by the first
// look at all sockets. On a host in trouble one look can take long.
func takeCensus(ctx context.Context, duration time.Duration, firstOnly bool) (*snapshot.Snapshot, error) {
	source := live.OpenPolled("--census looks without BPF")
	defer source.Close()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var opts pipeline.Options
	if firstOnly {
		opts = untilCensus()
	}
	return pipeline.Run(ctx, source, opts)
}

// untilCensus ends a run with the batch that has a census, of whichever namespaces.
func untilCensus() pipeline.Options {
	taken := false
	return pipeline.Options{
		Tee: func(e *event.Event, _ *event.World) error {
			taken = taken || e.Kind == event.CensusTaken
			return nil
		},
		AfterBatch: func(event.Time) error {
			if taken {
				return pipeline.ErrStop
			}
			return nil
		},
	}
}
