package verdict

import (
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// upperIn returns IN 31 s of in 31 s.
func upperIn(when string) string { return strings.Replace(when, "in ", "IN ", 1) }

// subject returns the programs, or that none is known.
func (s *spaceTrouble) subject(l parties) string {
	if len(l) == 0 || !l[0].Known() {
		return "an unknown process"
	}
	return l.String()
}

// call returns the call that allocates from the space.
func (s *spaceTrouble) call() string {
	switch {
	case s.Proto == event.UDP:
		return "UDP bind() to port 0"
	case s.Kind == snapshot.BindSpace:
		return "bind() to port 0"
	}
	return "connect()"
}

// ends returns what the space is for: 10.77.0.2:9000, or the address of a bind space; with the
// network namespace if that has a name.
func (s *spaceTrouble) ends() string {
	text := phrase.Local(s.PortSpace)
	if s.Kind == snapshot.ConnectSpace {
		text = phrase.Remote(s.Proto, s.Remote)
	}
	return text + phrase.InNetns(s.NetnsName)
}

// taken returns the share that is taken, 25 %.
func (s *spaceTrouble) taken() string {
	return strings.Replace(phrase.Taken(s.PortSpace), "%", " %", 1)
}

// pace returns how many calls fail in a second, or how many have failed.
func (s *spaceTrouble) pace() string {
	if s.ExhaustionRate > 0 {
		return phrase.Rate(s.ExhaustionRate) + "/s"
	}
	return phrase.Plural(s.Exhausted, "time")
}

// errno returns the error of the calls that found no port, with the mark of inferred values, as it
// follows what they were for.
func (s *spaceTrouble) errno() string {
	for _, f := range s.c.ends.Denied(s.PortSpace) {
		if code := phrase.Errno(f); code != "" {
			return " (" + code + ")"
		}
	}
	return ": no free port"
}

// cannot returns which programs find no port for what. Why is in the title: short, so that what
// follows is seen as well.
func (s *spaceTrouble) cannot(callers parties) string {
	deed := "connect to "
	if s.Kind == snapshot.BindSpace {
		deed = s.call() + " on "
	}
	verb := " cannot "
	if !s.failsNow() {
		verb = " could not "
	}
	return s.subject(callers) + verb + deed + s.ends() + s.errno() + ", " + s.pace() + "."
}

// inUse returns how many ports the next call cannot have, how they are in use, and by which programs if
// those are others than are named already.
func (s *spaceTrouble) inUse(named parties, all bool) string {
	if s.Capacity <= 0 {
		return "The port range of the network namespace is not known."
	}
	of := "of " + phrase.Local(s.PortSpace)
	if s.Kind == snapshot.ConnectSpace {
		of += " towards it"
	}
	return s.inUseBy(named, all, of)
}

// inUseBy is inUse with the ends that the ports are of.
func (s *spaceTrouble) inUseBy(named parties, all bool, of string) string {
	ports := phrase.Count(s.Capacity) + " ports " + of
	text := phrase.Count(s.Taken()) + " of " + ports
	if s.IsFull() && all {
		text = "All " + ports
	}
	text += s.areInUse()
	if by := s.by(named); by != "" {
		text += "; " + by
	}
	return text + "."
}

// areInUse returns in which states the ports are. Those that tcp_tw_reuse allocates again are in use, as
// in all tables, but not taken.
func (s *spaceTrouble) areInUse() string {
	if s.Reusable == 0 {
		return " are in use" + s.states()
	}
	return " are taken" + s.states() + "; " + phrase.Count(s.Reusable) + " more in TIME_WAIT can be reused"
}

// states returns in which states the ports are: , all in TIME_WAIT; : 900 TIME_WAIT, 100 open.
func (s *spaceTrouble) states() string {
	if s.Proto == event.UDP {
		return ""
	}
	var parts []string
	only := ""
	for _, state := range []struct {
		ports int
		name  string
		all   string
	}{
		{s.Live - s.SynSent - s.CloseWait, "open", "by open connections"},
		{s.SynSent, "without an answer (SYN_SENT)", "by connections without an answer (SYN_SENT)"},
		{s.CloseWait, "CLOSE_WAIT", "in CLOSE_WAIT"},
		{s.TimeWait - s.Reusable, "TIME_WAIT", "in TIME_WAIT"},
		{s.Bound, "bound", "by bind()"},
	} {
		if state.ports > 0 {
			parts = append(parts, phrase.Count(state.ports)+" "+state.name)
			only = state.all
		}
	}
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return ", all " + only
	}
	return ": " + strings.Join(parts, ", ")
}

// by returns the program that holds most ports, empty if it is named already.
func (s *spaceTrouble) by(named parties) string {
	holders := s.c.holders(s.PortSpace)
	if len(holders) == 0 {
		return ""
	}
	top := holders[0]
	switch {
	case !top.Known() && s.before() > 0:
		return "owner unknown (from before start)"
	case !top.Known():
		return ""
	}
	for _, p := range named {
		if p.ProgramKey == top.ProgramKey {
			return ""
		}
	}
	return top.String() + " holds " + phrase.Count(top.count)
}

// before returns how many ports are held by sockets from before the start.
func (s *spaceTrouble) before() int {
	n := s.OtherHolders.Before
	for i := range s.Holders {
		n += s.Holders[i].Before
	}
	return n
}

// destination returns the row of the remote end, nil without one.
func (s *spaceTrouble) destination() *snapshot.Destination {
	if s.Kind != snapshot.ConnectSpace {
		return nil
	}
	return s.c.ends.Destination(s.Peer())
}
