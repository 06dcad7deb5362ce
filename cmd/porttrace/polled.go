package main

import (
	"context"
	"errors"
	"time"

	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// censusTakes is time enough for one look at all sockets.
const censusTakes = 500 * time.Millisecond

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

// takeCensus is what can be seen at once and without privilege.
func takeCensus(ctx context.Context, duration time.Duration) (*snapshot.Snapshot, error) {
	source := live.OpenPolled("--census looks without BPF")
	defer source.Close()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	return pipeline.Run(ctx, source, pipeline.Options{})
}
