package verdict

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// callTitles are the titles by reason, and whether such a failure is this host's trouble.
var callTitles = map[event.Reason]struct {
	title string
	kind  kind
	level Level
}{
	event.RangeExhausted: {"OUT OF PORTS", outOfPorts, Failing},
	event.PortTaken:      {"PORT ALREADY IN USE", portTaken, Failing},
	event.TupleTaken:     {"CONNECTION ALREADY EXISTS", portTaken, Failing},
	event.ForeignAddress: {"NOT A LOCAL ADDRESS", otherCalls, Failing},
	event.NoIPv6:         {"NO IPv6 ADDRESS", otherCalls, Failing},
	event.Unreachable:    {"DESTINATION UNREACHABLE", otherCalls, Soon},
	event.Refused:        {"CONNECTION REFUSED", otherCalls, Soon},
	event.ResetByPeer:    {"CONNECTION RESET", otherCalls, Soon},
}

// calls adds the calls that failed in the last minute and that neither a port space nor a silent
// peer explains.
func (c *collector) calls() {
	for _, sum := range phrase.SumFailures(c.s, c.isUnexplained) {
		c.call(sum)
	}
}

func (c *collector) isUnexplained(f *snapshot.Failure) bool {
	sweep := f.Reason == event.RangeExhausted && !f.Target.Known() && f.Op == event.OpConnect && len(c.explained) > 0
	return c.s.Recent(f) && !f.NetnsGone && !isSilence(f) && !c.explained[f] && !sweep
}

func (c *collector) call(sum *phrase.FailureSum) {
	f := sum.Worst()
	finding := c.findingOfCall(f)
	asks := f.Proto == event.UDP && f.Op == event.OpConnect && f.Reason != event.RangeExhausted // RFC 6724: which address would be used
	if asks || finding != nil && finding.Severity == doctor.Info {
		c.harmless = append(c.harmless, sum.Sentence(c.s.Wall)+".")
		return
	}
	about, ok := callTitles[f.Reason]
	if !ok {
		about.title, about.kind, about.level = "CALLS FAIL", otherCalls, Soon
	}
	t := trouble{level: about.level, kind: about.kind, title: about.title, rate: sum.Rate(), finding: finding, failure: f, process: f.Proc.ID}
	if sum.Rate() <= 0 && !lasts(f, finding) {
		t.level, t.title = Soon, t.title+" "+phrase.Ago(c.s.Wall, sum.Last())
	}
	t.short = sum.Sentence(c.s.Wall)
	t.lines = append([]string{t.short + "."}, c.callDetails(sum, f)...)
	c.add(t)
}

// lasts reports whether a finding says that the calls fail still, though none was seen to in the last
// seconds: a port stays taken, and its service down. A port space is full for as long as its own row
// says; the finding can be about the space of another destination.
func lasts(f *snapshot.Failure, finding *doctor.Finding) bool {
	if finding == nil || finding.Severity < doctor.Critical {
		return false
	}
	return f.Reason != event.RangeExhausted || !spaceCauses[finding.Cause]
}

// callDetails returns which socket is in the way, and since when the calls fail.
func (c *collector) callDetails(sum *phrase.FailureSum, f *snapshot.Failure) (lines []string) {
	if h := f.HeldBy; h != nil {
		port := h.Local.Port
		lines = append(lines, fmt.Sprintf("Port %d is held by %s.", port, phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn)))
		if n := c.s.Namespace(f.Netns); n != nil && h.Outgoing && n.Ports.Holds(port) {
			lines = append(lines, fmt.Sprintf("%d lies in the range for outgoing connections (%d-%d): reserve it (ip_local_reserved_ports).",
				port, n.Ports.Low, n.Ports.High))
		}
	} else if f.Reason == event.PortTaken {
		lines = append(lines, "Which socket holds the port is not known.")
	}
	if sum.Count() > 1 {
		lines = append(lines, fmt.Sprintf("%s since %s UTC.", phrase.Plural(sum.Count(), "failure"), phrase.Time(sum.First(), "15:04:05")))
	}
	return lines
}

// findingOfCall returns the finding about calls of that kind, nil without one.
func (c *collector) findingOfCall(f *snapshot.Failure) *doctor.Finding {
	causes := callCauses[f.Reason]
	return c.find(func(d *doctor.Finding) bool {
		if !causes[d.Cause] || d.Subject.Netns != f.Netns {
			return false
		}
		suffers := d.Subject.Proc == f.Proc.ID
		for i := range d.Victims {
			suffers = suffers || snapshot.ProgramOf(&d.Victims[i].Proc) == snapshot.ProgramOf(&f.Proc)
		}
		port := d.Subject.Port == 0 || f.Op == event.OpConnect || d.Subject.Port == f.Target.Port
		return suffers && port
	})
}

// callCauses are the causes of findings that explain failures of a reason.
var callCauses = map[event.Reason]map[doctor.Cause]bool{
	event.RangeExhausted: {doctor.UDPPorts: true, doctor.SNAT: true, doctor.Churn: true, doctor.Burst: true, doctor.NarrowRange: true},
	event.PortTaken:      {doctor.PortTaken: true, doctor.RangeOverlapsListeners: true, doctor.EarlyBind: true},
	event.TupleTaken:     {doctor.TupleTaken: true},
	event.ForeignAddress: {doctor.ForeignAddress: true, doctor.NoIPv6: true},
	event.NoIPv6:         {doctor.NoIPv6: true},
}
