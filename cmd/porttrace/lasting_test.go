package main

import (
	"errors"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// TestLasting: a run has all its time, counted from its first batch, and then ends; one without a duration does not.
func TestLasting(t *testing.T) {
	t.Parallel()
	const first, step = event.Time(time.Hour), 70 * time.Millisecond
	ctx, cancel, lasts := lasting(t.Context(), time.Minute)
	defer cancel()
	if end, is := ctx.Deadline(); !is || time.Until(end) < time.Minute {
		t.Errorf("the context ends in %s", time.Until(end))
	}
	now := first
	for ; now.Sub(first) < 2*time.Minute; now = now.Add(step) {
		if err := lasts(now); err != nil {
			if !errors.Is(err, pipeline.ErrStop) {
				t.Error(err)
			}
			break
		}
	}
	if seen := now.Sub(first); seen < time.Minute || seen >= time.Minute+step {
		t.Errorf("it ends after %s", seen)
	}
	ctx, cancel, lasts = lasting(t.Context(), 0)
	defer cancel()
	if _, is := ctx.Deadline(); is || lasts(first) != nil || lasts(first.Add(time.Hour)) != nil {
		t.Error("a run without a duration ends")
	}
}
