package main

import (
	"context"
	"errors"
	"time"

	"github.com/porttrace/porttrace/internal/anonymize"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui"
)

// polls reports whether the screen shows only what needs no BPF: tracing was refused, and
// the user has chosen no events, which would need it.
func (f *liveFlags) polls(err error) bool {
	return errors.As(err, new(untraceable)) && len(f.program) == 0 && f.request.Empty()
}

// showPolled shows the port spaces, and the reason why there is no more.
func (f *liveFlags) showPolled(ctx context.Context, why error) error {
	source := live.OpenPolled(why.Error(), f.containerLogs)
	defer source.Close()
	return showScreen(ctx, source, pipeline.Options{}, tui.Options{Title: "porttrace"})
}

// takeCensus returns what is seen without privileges within the duration, or by the first
// scan of all sockets. On a host in trouble one scan can take long.
func (f *liveFlags) takeCensus(ctx context.Context, duration time.Duration, firstOnly bool, hides *anonymize.Anonymizer) (*snapshot.Snapshot, error) {
	source := live.OpenPolled("--census works without BPF", f.containerLogs)
	defer source.Close()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var opts pipeline.Options
	if firstOnly {
		opts = untilCensus()
	}
	stream, _ := hide(hides, source, nil)
	return pipeline.Aggregate(ctx, stream, opts)
}

// untilCensus ends a run with the batch in which a scan ends.
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
