package replay

import "github.com/porttrace/porttrace/internal/event"

// NextIncident goes on to where the next incident begins, and pauses there. If none is left it
// pauses where it is. As long as the Timeline is Rough, it goes to the first failure, of what the
// filter selects, after the next time in which nothing has failed.
func (p *Player) NextIncident() {
	p.request(func() {
		here := p.here()
		begin, found := p.timeline.Next(here)
		switch {
		case !found:
			p.pauseAt(here)
		case p.timeline.Rough:
			p.seekFirstFailure(here, begin)
		default:
			p.pauseAt(begin)
		}
	})
}

// PreviousIncident goes back to where the last incident before begins, and pauses there. If there
// is none it pauses where it is. As long as the Timeline is Rough that is just before something
// failed on the host.
func (p *Player) PreviousIncident() {
	p.request(func() {
		here := p.here()
		if begin, found := p.timeline.Previous(here); found {
			p.pauseAt(begin)
		} else {
			p.pauseAt(here)
		}
	})
}

// seekFirstFailure goes to the first failure after a moment. It reads on from there at the
// earliest, as the timeline does not say what the filter selects.
func (p *Player) seekFirstFailure(here, after event.Time) {
	if !p.play.Seeking || !p.seekingFailure || p.from != after {
		p.pauseAt(after)
		p.origin, p.from = here, after
	}
	p.seekingFailure = true
}

// seekFailure goes on to the end of the next piece in which a failure is left, or back if
// none is. A piece holds one when more have failed by its end than were played.
func (p *Player) seekFailure() {
	var failed uint64
	for _, s := range p.pieces {
		if !s.Damaged {
			failed += s.Failures
		}
		if s.End > p.play.At && failed > p.cursor.failed {
			p.play.Target = s.End
			return
		}
	}
	p.seek(p.origin)
}
