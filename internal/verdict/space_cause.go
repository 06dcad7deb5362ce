package verdict

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

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
	text = joined(text, s.starter())
	if n := s.c.s.Namespace(s.Netns); n != nil && s.Range.Known() && s.Range.Size() < usualRange.Size() {
		text = joined(text, fmt.Sprintf("The range is narrowed to %d-%d (usual %d-%d).", s.Range.Low, s.Range.High, usualRange.Low, usualRange.High))
	}
	return text
}

// manyProcesses is from how many processes of one program on it is said who starts them.
const manyProcesses = 10

// starter returns who starts the processes of a program that ends after each connection.
func (s *spaceTrouble) starter() string {
	callers := s.c.callers(s.PortSpace)
	if len(callers) == 0 || callers[0].Processes < manyProcesses {
		return ""
	}
	one := &callers[0].Proc
	parent := one.Parent()
	if parent.Comm == "" {
		return ""
	}
	return "The newest " + phrase.ProgramName(one) + " was started by " +
		phrase.Program(&event.Process{ID: parent.ID, Comm: parent.Comm, Script: parent.Script}) + "."
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
