package doctor

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// udpSpaces judges addresses without a free UDP port: the next socket that needs one gets none. If
// calls fail already, that is found by them.
func (j *judge) udpSpaces() {
	for i := range j.s.PortSpaces {
		s := &j.s.PortSpaces[i]
		if s.Proto != event.UDP || s.NetnsGone || !s.IsFull() || j.has(UDPPorts, s.Netns) {
			continue
		}
		f := Finding{
			ID: id(UDPPorts), Cause: UDPPorts, Severity: Warning, Confidence: Proved, Since: udpSince(j.s, s),
			Summary: fmt.Sprintf("all %s UDP ports of the range are in use on %s gets none", phrase.Count(s.Capacity), udpNext(s)),
		}
		f.Subject.Netns, f.Subject.Local = s.Netns, s.Local
		if h := j.udpHolder(s.Netns); h != nil {
			j.addUDPHolder(&f, h)
		}
		j.add(f)
	}
}

// udpNext returns on which addresses the ports are in use, and which socket is the next to need one. One
// without an address needs a port that none of them has, while each can have free ports for its own
// (udp_lib_get_port, net/ipv4/udp.c, Linux 6.18).
func udpNext(s *snapshot.PortSpace) string {
	if s.Local.IP().IsUnspecified() {
		return "one address or another: the next socket without an address (bound to " + phrase.Local(s) + ", or not bound)"
	}
	return phrase.Local(s) + ": the next socket that binds to it"
}

// udpSince returns since when the space is full; zero: since before the trace.
func udpSince(s *snapshot.Snapshot, space *snapshot.PortSpace) time.Time {
	switch {
	case space.FullBeforeStart:
		return time.Time{}
	case space.FullSince.IsZero():
		return s.Wall
	}
	return space.FullSince
}

// has reports whether there is a finding that is more than a note.
func (j *judge) has(cause Cause, netns uint32) bool {
	for i := range j.findings {
		if f := &j.findings[i]; f.Cause == cause && f.Subject.Netns == netns && f.Severity > Info {
			return true
		}
	}
	return false
}

// udpPorts judges UDP sockets that got no port.
func (j *judge) udpPorts(g *calls) {
	holder := j.udpHolder(g.netns)
	text := fmt.Sprintf("%s got no UDP port: all ports of the range are in use in the network namespace %s", g.who(), j.netns(g.netns))
	if holder != nil {
		text += fmt.Sprintf(", %s of them by %s", phrase.Count(holder.Ports()), named(&holder.Proc))
	}
	f := g.finding(UDPPorts, "", text)
	f.Severity = Critical
	if holder != nil {
		j.addUDPHolder(&f, holder)
	}
	j.add(f)
}

func (j *judge) addUDPHolder(f *Finding, h *snapshot.Holder) {
	f.ID, f.Subject.Proc = id(UDPPorts, programOf(&h.Proc)), h.Proc.ID
	f.Evidence = append(f.Evidence, Evidence{
		Text: phrase.Program(&h.Proc) + " holds " + phrase.Plural(h.Ports(), "UDP port"), Value: float64(h.Ports()), Unit: "ports", At: j.s.Wall, Proc: h.Proc,
	})
}

// udpHolder returns the process with the most UDP ports of the namespace, nil if none is known.
func (j *judge) udpHolder(netns uint32) *snapshot.Holder {
	var most *snapshot.Holder
	for i := range j.s.PortSpaces {
		s := &j.s.PortSpaces[i]
		if s.Proto != event.UDP || s.Netns != netns {
			continue
		}
		for k := range s.Holders {
			if h := &s.Holders[k]; h.Proc.ID.Known() && (most == nil || h.Ports() > most.Ports()) {
				most = h
			}
		}
	}
	return most
}
