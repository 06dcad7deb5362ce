package verdict

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// earlyBinder returns the program that opens most connections from the space if it binds most of
// their ports before connect(), else none. Such a port serves no other destination, so that all
// spaces of the namespace fill together.
func (c *collector) earlyBinder(space *snapshot.PortSpace) snapshot.ProgramKey {
	openers := c.openers(space)
	if space.Kind != snapshot.ConnectSpace || len(openers) == 0 {
		return snapshot.ProgramKey{}
	}
	var opens, early uint64
	for id := range openers[0].pids {
		if p := c.row(id); p != nil {
			opens, early = opens+p.Opens, early+p.EarlyBinds
		}
	}
	if early == 0 || early*2 <= opens {
		return snapshot.ProgramKey{}
	}
	return openers[0].ProgramKey
}

// earlyKey is a program in a namespace.
type earlyKey struct {
	netns   uint32
	program snapshot.ProgramKey
}

// joinsEarly reports whether the trouble is known already by another destination of the program.
func (c *collector) joinsEarly(s *spaceTrouble, program snapshot.ProgramKey) bool {
	key := earlyKey{s.Netns, program}
	if c.early[key] {
		return true
	}
	c.early[key] = true
	return false
}

// fillingEarly is of the address whose ports one program binds before it connects.
func (s *spaceTrouble) fillingEarly() trouble {
	t := s.trouble(Soon, filling, s.writeFillingEarly)
	t.left = s.Forecast.ETA
	return t
}

func (s *spaceTrouble) writeFillingEarly(t *trouble) {
	openers := s.c.openers(s.PortSpace)
	rate, sustainable := 0.0, 0.0
	for i := range s.c.s.PortSpaces {
		p := &s.c.s.PortSpaces[i]
		if p.Kind == snapshot.ConnectSpace && p.Netns == s.Netns && p.Local == s.Local && !p.NetnsGone && p.OpenRate > 0 {
			rate, sustainable = rate+p.Wanted, sustainable+p.Sustainable
		}
	}
	from := phrase.Local(s.PortSpace) + phrase.InNetns(s.NetnsName)
	t.lines = s.lines(
		fmt.Sprintf("%s%s%s conn/s from %s, with bind() before each connect().",
			s.subject(openers), openers.verb(" opens ", " open "), phrase.Rate(rate), from),
		s.inUseBy(openers, false, "of "+phrase.Local(s.PortSpace)),
		joined(s.outlook(), wanted(rate, sustainable, " conn/s")),
	)
	if s.finding == nil || s.finding.Cause != doctor.EarlyBind {
		t.lines = append(t.lines, "Cause: "+causeWords[doctor.EarlyBind].sentence+".")
	}
	t.do = "Set IP_BIND_ADDRESS_NO_PORT (Linux 4.2 and later) before bind(), or do not bind"
	t.process = openers.main()
	t.title = "FULL " + upperIn(phrase.When(&s.Forecast))
	t.short = s.subject(openers) + " " + from + " full " + phrase.When(&s.Forecast) + " (" + causeWords[doctor.EarlyBind].short + ")"
}
