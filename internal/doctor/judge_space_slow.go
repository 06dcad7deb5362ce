package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// busySearch is what share of a processor the port search must take to be a trouble.
const busySearch = 0.05

// slowSearch judges a space in which more than half of the ports are taken, and stay so: connect()
// then tries all ports of one parity, in vain, before it finds one of the other.
func (c *shortage) slowSearch() {
	if c.Kind != snapshot.ConnectSpace || c.TakenShare() < halfTaken || c.SearchP50 < slowSearch || c.SecondParity < secondParity || c.OpenRate <= 0 {
		return
	}
	share := c.SearchP50.Seconds() * c.OpenRate
	c.programs = c.j.programsOf(c.PortSpace)
	p := c.main(func(*program) int { return 0 })
	f := c.finding(SlowPortSearch, &p, fmt.Sprintf(
		"connect() of %s to %s takes %s to find a port: %d %% of them are taken, so that it first tries half of the range in vain",
		p.who(), c.to(), phrase.ShortDuration(c.SearchP50), c.TakenPercent()))
	f.Severity, f.Confidence, f.Since = Warning, Likely, c.j.s.Wall
	if share < busySearch {
		f.Severity = Info
	}
	f.Subject.Netns, f.Subject.Local, f.Subject.Remote = c.Netns, c.Local, c.Remote
	c.addEvidence(&f)
	f.Evidence = append(f.Evidence,
		Evidence{Text: fmt.Sprintf("the search takes %.0f %% of a processor at %s connections/s", 100*share, phrase.Rate(c.OpenRate)), Value: share, Unit: "processors", At: c.j.s.Wall, Proc: p.proc},
		Evidence{Text: fmt.Sprintf("%.0f %% of the newest connections got a port of the parity that connect() tries last", 100*c.SecondParity), Value: c.SecondParity, At: c.j.s.Wall})
	c.j.add(f)
}
