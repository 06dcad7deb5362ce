package replay

import (
	"context"

	"github.com/porttrace/porttrace/internal/playback"
)

// shownProgress is the share of the survey after which a snapshot is published again, so that the
// screen shows how far it is although the replay rests.
const shownProgress = 0.05

// survey goes through the whole recording. If it cannot be read the player finds out, too, when
// it comes there.
func (p *Player) survey(ctx context.Context) {
	s := newSurvey(p.opts.Survey, p.opts.Filter, &p.kept, p.surveyed)
	if err := s.run(ctx, p.publish); err != nil {
		p.change(func() {
			if p.timeline.Rough {
				p.play.Surveyed = 0
			}
		})
	}
}

// publish replaces the timeline by one of which more is known.
func (p *Player) publish(t *playback.Timeline) {
	p.change(func() { p.timeline, p.play.Surveyed = t, 1 })
}

// surveyed notes the share of the recording that the survey has read. It is done with the
// timeline.
func (p *Player) surveyed(share float64) {
	p.mu.Lock()
	before := p.play.Surveyed
	p.play.Surveyed = min(share, 1-shownProgress)
	shows := int(before/shownProgress) < int(p.play.Surveyed/shownProgress)
	p.mu.Unlock()
	if shows {
		p.change(func() {})
	}
}

// change changes what the screen shows beside the snapshot.
func (p *Player) change(what func()) {
	p.mu.Lock()
	what()
	p.changed = true
	p.mu.Unlock()
	p.rouse()
}
