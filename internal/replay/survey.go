package replay

import (
	"context"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// minStretch is the shortest stretch: two batches of a live stream.
	minStretch = 100 * time.Millisecond
	// maxJudged bounds the snapshots that are judged, which take up to 100 ms each, and judgeEvery
	// is the least time of the stream between them.
	maxJudged  = 300
	judgeEvery = time.Second
)

// survey plays a whole recording twice to find out what happened in it when: for all but what
// porttrace doctor finds, and for that, which takes much longer. It is a function of the recording
// and the filter alone.
type survey struct {
	cursor    cursor
	begin     event.Time
	step      time.Duration // of a stretch
	stretches []playback.Stretch
	fills     playback.Fills
	incidents *incidents

	rangeKnown bool // the port range of some space

	keep     *checkpoints
	progress func(share float64)
}

// newSurvey returns a survey of a recording. It keeps checkpoints, and calls progress with the
// share of the recording that it has read.
func newSurvey(rec Recording, f *filter.Filter, keep *checkpoints, progress func(float64)) *survey {
	s := &survey{keep: keep, progress: progress}
	keep.expect(rec.Events())
	pieces := rec.Timeline()
	s.cursor = cursor{rec: rec, filter: f, tee: s.observe}
	if len(pieces) > 0 {
		s.begin, s.cursor.end = pieces[0].Begin, pieces[len(pieces)-1].End
	}
	length := s.cursor.end.Sub(s.begin)
	s.step = max(minStretch, (length+playback.MaxStretches-1)/playback.MaxStretches)
	for at := s.begin; at < s.cursor.end || len(pieces) > 0 && len(s.stretches) == 0; at = at.Add(s.step) {
		s.stretches = append(s.stretches, playback.Stretch{Begin: at, End: min(at.Add(s.step), s.cursor.end)})
	}
	s.incidents = newIncidents(s.begin, s.cursor.end, max(playback.Apart, 2*s.step))
	s.markDamage(pieces)
	return s
}

// markDamage marks the stretches of which a part is missing.
func (s *survey) markDamage(pieces []event.Span) {
	for i := range pieces {
		p := &pieces[i]
		if !p.Damaged || len(s.stretches) == 0 {
			continue
		}
		for n := s.stretch(p.Begin); n <= s.stretch(p.End-1); n++ {
			s.stretches[n].Damaged = true
		}
	}
}

// stretch returns the number of the stretch in which a moment is.
func (s *survey) stretch(at event.Time) int {
	return min(max(int(at.Sub(s.begin)/s.step), 0), len(s.stretches)-1)
}

// run publishes the timeline without findings, and with them.
func (s *survey) run(ctx context.Context, publish func(*playback.Timeline)) error {
	if err := s.measureAll(ctx); err != nil {
		return err
	}
	t := &playback.Timeline{Stretches: s.stretches, Incidents: s.incidents.list()}
	s.fills.Complete(t)
	publish(t)
	if err := s.judgeAll(ctx); err != nil {
		return err
	}
	judged := *t
	judged.Judged, judged.Incidents = true, s.incidents.list()
	publish(&judged)
	return nil
}

func (s *survey) measureAll(ctx context.Context) error {
	if err := s.cursor.rewind(ctx); err != nil {
		return err
	}
	for i := range s.stretches {
		if err := s.playStretch(ctx, s.stretches[i].End); err != nil {
			return err
		}
		s.measure(i)
		s.progress(float64(i+1) / float64(len(s.stretches)))
	}
	s.settleFills()
	return nil
}

// settleFills takes back what was said without knowing a port range: that no space was there yet
// says nothing then.
func (s *survey) settleFills() {
	for i := range s.stretches {
		if one := &s.stretches[i]; !one.FillKnown || !s.rangeKnown {
			one.FillKnown, one.Fill, one.Fullest = false, 0, snapshot.SpaceID{}
		}
	}
}

func (s *survey) playStretch(ctx context.Context, end event.Time) error {
	for s.cursor.due(end) {
		events := len(s.cursor.next.Events)
		if err := s.cursor.play(ctx); err != nil {
			return err
		}
		if s.keep.due(events) {
			s.keep.keep(s.cursor.checkpoint())
		}
	}
	return nil
}

// observe is the pipeline.Tee.
func (s *survey) observe(e *event.Event, world *event.World) error {
	if gap, is := e.Fact.(*event.Gap); is {
		s.incidents.addGap(gap)
		return nil
	}
	if len(s.stretches) == 0 {
		return nil
	}
	n := s.stretch(e.Time)
	now := &s.stretches[n]
	switch {
	case e.Kind == event.SpaceChanged:
		s.noteSpace(n, e)
	case fails(e):
		now.Failures += max(e.Count, 1)
		s.incidents.addFailure(e, world.Process(e.Proc), s.cursor.played)
	case e.Flags.Has(event.NotSelected):
	case e.Kind == event.Open && e.Direction != event.In:
		now.Opens += max(e.Count, 1)
	case e.Kind == event.Folded:
		if fold, is := e.Fact.(*event.Fold); is {
			now.Opens += fold.Opens
		}
	}
	return nil
}

// fails reports whether a call failed that the filter selects. A connect that was given up before
// its SYN was sent again means nothing: see snapshot.Failure.Harmless.
func fails(e *event.Event) bool {
	return (e.Kind == event.ConnectFail || e.Kind == event.BindFail) && !e.Flags.Has(event.NotSelected) &&
		(e.Reason != event.GivenUp || e.Flags.Has(event.Unanswered))
}

// noteSpace takes a change of a space in the midst of a stretch.
func (s *survey) noteSpace(n int, e *event.Event) {
	use, is := e.Fact.(*event.SpaceUse)
	if !is {
		return
	}
	id := snapshot.SpaceID{
		Kind: snapshot.ConnectSpace, Netns: e.Netns, Proto: e.Proto, Local: e.Src.Addr, Remote: e.Dst,
		Device: e.Device, Range: e.SocketRange,
	}
	s.noteFill(n, id, &use.Occupancy, s.cursor.played)
}

// measure takes how full the port spaces are at the end of a stretch. If the range of none is
// known, as in old recordings, nothing is.
func (s *survey) measure(n int) {
	if s.cursor.state == nil || s.stretches[n].Damaged {
		return
	}
	end := s.stretches[n].End
	spaces, known := 0, 0
	s.cursor.state.EachSpace(end, func(space *snapshot.PortSpace) {
		spaces++
		if space.Capacity > 0 {
			known++
			s.noteFill(n, space.ID(), &space.Occupancy, end)
		}
	})
	s.rangeKnown = s.rangeKnown || known > 0
	s.stretches[n].FillKnown = spaces == 0 || known > 0
}

func (s *survey) noteFill(n int, id snapshot.SpaceID, o *event.Occupancy, now event.Time) {
	s.fills.Add(n, id, o)
	if share := o.TakenShare(); share > s.stretches[n].Fill {
		s.stretches[n].Fill, s.stretches[n].Fullest = share, id
	}
	if o.IsFull() {
		s.incidents.addFull(id, o, now)
	}
}

// judgeAll has porttrace doctor judge snapshots of the whole recording, evenly.
func (s *survey) judgeAll(ctx context.Context) error {
	c := cursor{rec: s.cursor.rec, filter: s.cursor.filter, end: s.cursor.end}
	if err := c.rewind(ctx); err != nil {
		return err
	}
	var history doctor.History
	step := max(judgeEvery, c.end.Sub(s.begin)/maxJudged)
	for at := s.begin; ; at = min(at.Add(step), c.end) {
		for c.due(at) {
			if err := c.play(ctx); err != nil {
				return err
			}
		}
		if c.state != nil {
			snap := c.snapshot(at)
			history.Add(snap)
			s.incidents.findings.set(history.Findings(), snap)
		}
		if at >= c.end {
			return nil
		}
	}
}
