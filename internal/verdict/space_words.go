package verdict

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// plural returns 1 failure, 2 failures.
func plural[N int | int64 | uint64](n N, what string) string { return phrase.Plural(n, what) }

// upperIn returns IN 31 s of in 31 s.
func upperIn(when string) string { return strings.Replace(when, "in ", "IN ", 1) }

// subject returns the programs, or that none is known.
func (s *spaceTrouble) subject(l parties) string {
	if len(l) == 0 || !l[0].known() {
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
	return text + in(s.NetnsName)
}

// in returns in which network namespace something is, empty of the host's.
func in(netns string) string { return phrase.InNetns(netns) }

// used returns the share that is taken, 25 %.
func (s *spaceTrouble) used() string { return strings.Replace(phrase.Taken(s.PortSpace), "%", " %", 1) }

// pace returns how many calls fail in a second, or how many have failed.
func (s *spaceTrouble) pace() string {
	if s.ExhaustionRate > 0 {
		return phrase.Rate(s.ExhaustionRate) + "/s"
	}
	return plural(s.Exhausted, "time")
}

// errno returns the error of the calls that found no port, with the mark of inferred values.
func (s *spaceTrouble) errno() string {
	for _, f := range s.c.denied(s.PortSpace) {
		if code := phrase.Errno(f); code != "" {
			return code
		}
	}
	return "no free port"
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
	return s.subject(callers) + verb + deed + s.ends() + ": " + s.errno() + ", " + s.pace() + "."
}

// inUse returns how many ports are in use, how, and by which programs if those are others than
// are named already.
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
	text += " are in use" + s.states()
	if by := s.by(named); by != "" {
		text += "; " + by
	}
	return text + "."
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
	case !top.known() && s.before() > 0:
		return "owner unknown (from before porttrace started)"
	case !top.known():
		return ""
	}
	for _, p := range named {
		if p.name == top.name && p.known() {
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

// rates returns what is wanted against what the space sustains, and when its next port is free.
func (s *spaceTrouble) rates() string {
	text := s.wants()
	next := phrase.NextFree(s.Expiring)
	switch {
	case s.IsFull() && s.Kind == snapshot.ConnectSpace && next != "":
		text = joined(text, "Next port free "+next+".")
	case s.IsFull() && s.Kind == snapshot.ConnectSpace && s.TimeWait == 0 && s.Live > 0:
		text = joined(text, "No port is free before a connection is closed.")
	}
	return text
}

// wants returns Wants 200 conn/s; this space sustains 16.
func (s *spaceTrouble) wants() string {
	what := " conn/s"
	if s.Kind == snapshot.BindSpace {
		what = " ports/s"
	}
	return wanted(s.Wanted, s.Sustainable, what)
}

// wanted compares two rates.
func wanted(rate, sustainable float64, what string) string {
	if rate <= 0 {
		return ""
	}
	text := "Wants " + phrase.Rate(rate) + what
	if sustainable > 0 {
		text += "; this space sustains " + sustains(sustainable)
	}
	return text + "."
}

// sustains returns a rate that a space sustains, with a decimal if that matters.
func sustains(rate float64) string {
	if rate >= 100 {
		return phrase.Rate(rate)
	}
	return strconv.FormatFloat(rate, 'f', 1, 64)
}

func joined(a, b string) string { return strings.TrimSpace(a + " " + b) }

// opens returns which programs open connections to where, and whether any is closed.
func (s *spaceTrouble) opens(openers parties) string {
	text := s.subject(openers) + openers.verb(" opens ", " open ") + phrase.Rate(s.OpenRate) + " conn/s to " + s.ends()
	if s.closesNone() {
		return text + openers.verb(" and has", " and have") + " closed none of " + phrase.Count(max(s.destination().Live(), 0)) + "."
	}
	return text + "."
}

// closesNone reports whether connections to the destination are opened and none has ended yet.
func (s *spaceTrouble) closesNone() bool {
	d := s.destination()
	return d != nil && d.Opens > 0 && d.ClosesOut == 0 && d.FailedOpens == 0 && d.EndedUnseen <= 0
}

// outlook returns when the space will be full.
func (s *spaceTrouble) outlook() string {
	f := &s.Forecast
	text := ""
	switch {
	case !f.Known || f.Never:
	case f.High < 0 && s.closesNone():
		text = fmt.Sprintf("If %s conn/s continue and none closes (none has), the last port is taken %s.", phrase.Rate(s.OpenRate), phrase.When(f))
	case f.High < 0:
		text = "If this goes on, the last port is taken " + phrase.When(f) + "."
	default:
		text = "At this rate the last port is taken " + phrase.Forecast(f) + "."
	}
	return text
}

// exceeds returns what is wanted if that is more than what the space sustains, else nothing.
func (s *spaceTrouble) exceeds() string {
	if s.Sustainable <= 0 || s.Wanted <= s.Sustainable {
		return ""
	}
	return s.wants()
}

// destination returns the row of the remote end, nil without one.
func (s *spaceTrouble) destination() *snapshot.Destination {
	if s.Kind != snapshot.ConnectSpace {
		return nil
	}
	return s.c.rows().dests[peerOf(s.PortSpace)]
}

// causeWord returns the cause in a word or two, empty if it is not known.
func (s *spaceTrouble) causeWord() string {
	if s.finding == nil {
		return ""
	}
	return causeWords[s.finding.Cause].short
}

// why returns the cause in a sentence, and that the range is not the usual one.
func (s *spaceTrouble) why() string {
	text := ""
	if s.finding != nil {
		if why := causeWords[s.finding.Cause].sentence; why != "" {
			text = "Cause: " + why + "."
		}
	}
	if n := s.c.s.Namespace(s.Netns); n != nil && s.Range.Known() && s.Range.Size() < usualRange.Size() {
		text = joined(text, fmt.Sprintf("The range is narrowed to %d-%d (usual %d-%d).", s.Range.Low, s.Range.High, usualRange.Low, usualRange.High))
	}
	return text
}

// usualRange is net.ipv4.ip_local_port_range of a new namespace (inet_init_net, net/ipv4/af_inet.c).
var usualRange = event.PortRange{Low: 32768, High: 60999}

// causeWords are the causes of port spaces that fill, in a word or two and as what happens.
var causeWords = map[doctor.Cause]struct{ short, sentence string }{
	doctor.Churn:         {"churn", "a new connection for each request (churn)"},
	doctor.Leak:          {"leak", "connections are opened and not closed (leak)"},
	doctor.CloseWaitLeak: {"leak", "the peer has closed, the program does not (CLOSE_WAIT leak)"},
	doctor.Burst:         {"burst", "more connections at the same time than there are ports (burst)"},
	doctor.EarlyBind:     {"early bind", "the port is chosen by bind() before connect(), so it serves one destination only (early bind)"},
	doctor.HalfOpen:      {"no answer", "the peer does not answer the SYNs, each keeps its port"},
	doctor.NarrowRange:   {"narrow range", "the port range is too small for this load"},
	doctor.ReservedRange: {"reserved ports", "net.ipv4.ip_local_reserved_ports takes most of the range"},
	doctor.UDPPorts:      {"UDP sockets", "UDP sockets hold all ports of the range"},
}
