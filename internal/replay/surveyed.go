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
	t, err := newSurvey(p.opts.Survey, p.opts.Filter, &p.kept, p.surveyed).run(ctx)
	if err != nil {
		p.settleSurvey(0, nil)
		return
	}
	p.settleSurvey(1, t)
}

func (p *Player) surveyed(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	shown := int(p.play.Surveyed / shownProgress)
	p.play.Surveyed = min(share, 1-shownProgress) // it is done with the timeline
	if int(p.play.Surveyed/shownProgress) > shown {
		p.changed = true
		p.rouse()
	}
}

func (p *Player) settleSurvey(share float64, t *playback.Timeline) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.play.Surveyed, p.changed = share, true
	if t != nil {
		p.timeline = t
	}
	p.rouse()
}
