package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
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
	moments  moments
	alarms   alarms
}

// judge runs the stream to its end. A trouble that was over by then is a finding, too. Who observes
// the stream gets the last snapshot as well.
func judge(ctx context.Context, source pipeline.Source, opts pipeline.Options) (*judged, error) {
	var history doctor.History
	result, also := &judged{moments: moments{}}, opts.Observe
	observe := func(s *snapshot.Snapshot) {
		if also != nil {
			also(s)
		}
		history.Add(s)
		result.alarms.add(s)
		result.findings = history.Findings()
		result.moments.add(s, result.findings)
	}
	opts.Observe, opts.EveryStream = observe, max(opts.EveryStream, judgeEvery)
	last, err := pipeline.Aggregate(ctx, source, opts)
	if err != nil {
		return nil, err
	}
	observe(last)
	result.last = last
	return result, nil
}

// judgedNow is what a single snapshot shows.
func judgedNow(s *snapshot.Snapshot) *judged {
	result := &judged{last: s, findings: doctor.Judge(s)}
	result.alarms.add(s)
	return result
}

// moments has, of each finding, the snapshot that its evidence is of: the load is simulated as it
// was then, not as it is when all is over.
type moments map[doctor.Key]*snapshot.Snapshot

func (m moments) add(s *snapshot.Snapshot, findings []doctor.Finding) {
	for i := range findings {
		f := &findings[i]
		if slices.ContainsFunc(f.Evidence, func(e doctor.Evidence) bool { return e.At.Equal(s.Wall) }) {
			m[f.Key()] = s
		}
	}
	m.bound()
}

// momentBytes bounds the snapshots that are kept: one of 100,000 destinations takes 10 MB.
const momentBytes = 32 << 20

// bound gives up the oldest snapshots, if all take too much. The advice of their findings is
// simulated with the last load then.
func (m moments) bound() {
	kept := map[*snapshot.Snapshot]int{}
	total := 0
	for _, s := range m {
		if kept[s] == 0 {
			kept[s] = s.Bytes()
			total += kept[s]
		}
	}
	for total > momentBytes && len(kept) > 1 {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(kept)), func(a, b *snapshot.Snapshot) int { return cmp.Compare(a.At, b.At) })
		maps.DeleteFunc(m, func(_ doctor.Key, s *snapshot.Snapshot) bool { return s == oldest })
		total -= kept[oldest]
		delete(kept, oldest)
	}
}

// addEffects simulates what the advice would do.
func (j *judged) addEffects(findings []doctor.Finding) {
	for i := range findings {
		f := &findings[i]
		doctor.Effects(cmp.Or(j.moments[f.Key()], j.last), f)
	}
}
