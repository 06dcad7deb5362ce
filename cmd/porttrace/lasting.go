package main

import (
	"context"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// lasting is limited for what is judged: of a trace of 60 s the stream must have 60 s, and it begins with the first
// batch and is read to the last whole one. lasts must be called after each batch, and then ends the run; the
// context only does if the batches are late.
func lasting(ctx context.Context, d time.Duration) (_ context.Context, _ context.CancelFunc, lasts func(now event.Time) error) {
	if d <= 0 {
		ctx, cancel := limited(ctx, d)
		return ctx, cancel, func(event.Time) error { return nil }
	}
	begin := event.Time(0)
	lasts = func(now event.Time) error {
		if begin == 0 {
			begin = now
		}
		if now.Sub(begin) >= d {
			return pipeline.ErrStop
		}
		return nil
	}
	ctx, cancel := limited(ctx, d+latest)
	return ctx, cancel, lasts
}

// latest is how much longer than it should a run takes at most.
const latest = 2 * time.Second

// limited returns ctx, which ends after the duration if it is not 0.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}
