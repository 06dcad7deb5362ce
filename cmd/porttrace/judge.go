package main

import (
	"context"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// judgeEvery is the time of the stream between two snapshots that are judged.
	judgeEvery = time.Second
	// maxJudged bounds their number: one costs up to 10 ms. Of a longer recording they are
	// further apart, which loses no failure, because each has the counts since the start.
	maxJudged = 1200
)

// judged is what a stream has shown, and what was wrong on the way.
type judged struct {
	last     *snapshot.Snapshot
	findings []doctor.Finding
}

// judge runs the stream to its end. A trouble that was over by then is a finding, too.
func judge(ctx context.Context, source pipeline.Source, opts pipeline.Options) (*judged, error) {
	var history doctor.History
	opts.Observe, opts.EveryStream = history.Add, max(opts.EveryStream, judgeEvery)
	last, err := pipeline.Aggregate(ctx, source, opts)
	if err != nil {
		return nil, err
	}
	history.Add(last)
	return &judged{last, history.Findings()}, nil
}

// addEffects simulates what the advice would do.
func addEffects(s *snapshot.Snapshot, findings []doctor.Finding) {
	for i := range findings {
		doctor.Effects(s, &findings[i])
	}
}
