package doctor

import (
	"fmt"
)

// dst returns the filter of ss for the remote end, with a blank before it.
func (t *trouble) dst() string {
	if r := t.remote(); r.Known() {
		return " dst " + r.String()
	}
	return ""
}

// adviseHalfOpen is for a peer that does not answer.
func (t *trouble) adviseHalfOpen() []Advice {
	r := t.remote()
	address := "<address>"
	if r.Known() {
		address = r.Addr.String()
	}
	show := Advice{
		Action:  fmt.Sprintf("Find out where the SYNs to %s end: the route, and the connections without an answer", t.remoteWord()),
		Command: lines(t.enter()+"ip route get "+address, t.enter()+"ss -Htnpo state syn-sent"+t.dst()),
		Risk:    nothingChanged,
	}
	fix := Advice{
		Action: "Check the firewalls on the way (a rule that drops, and does not reject), the security group, and whether the server runs and is not overloaded",
		Command: lines(t.enter()+"nstat -az TcpExtTCPSynRetrans TcpAttemptFails   # SYNs sent again, and connects that failed",
			t.enter()+"nft list ruleset   # or iptables-save",
			"# if tcpdump is installed:",
			t.enter()+"tcpdump -c 20 -ni any host "+address+" and 'tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'"),
		Risk: nothingChanged,
	}
	limit := Advice{
		Action: fmt.Sprintf("Until it answers: have %s try less often, with a timeout and a growing pause; each SYN without an answer holds a port", t.name()),
		Undo:   changesCode, Risk: "A peer that comes back is noticed later.", Safety: CheckFirst,
	}
	return []Advice{show, fix, limit}
}

// adviseInbound is for TIME_WAIT that takes no ephemeral port.
func (t *trouble) adviseInbound() []Advice {
	return []Advice{{
		Action: "Change nothing: the TIME_WAIT are of accepted connections. They share the port of the listener and take no port of the range",
		Risk:   "None.",
	}}
}

// adviseListener is for an accept queue that was full.
func (t *trouble) adviseListener() []Advice {
	port := t.listenPort()
	filter, word := "", "the listener"
	if port != 0 {
		filter, word = fmt.Sprintf(" 'sport = :%d'", port), fmt.Sprintf("port %d", port)
	}
	show := Advice{
		Action:  fmt.Sprintf("See the accept queue of %s: Recv-Q is its length, Send-Q its limit", word),
		Command: lines(t.enter()+"ss -Hltnp"+filter, t.enter()+"sysctl net.core.somaxconn"),
		Risk:    nothingChanged,
	}
	backlog := Advice{
		Action: fmt.Sprintf("Have %s accept faster (more workers, no work between accept() calls), and pass a greater backlog to listen(): 4096. nginx: listen ... backlog=4096; "+
			"HAProxy: backlog 4096; Go, Node and Redis take somaxconn or have a knob", t.name()),
		Undo: changesCode, Risk: "Clients wait longer in a longer queue: it absorbs bursts, and no lasting overload.", Safety: CheckFirst,
	}
	limit := t.set(Advice{
		Action: "Raise the limit of all backlogs, if it is below 4096; the program must call listen() again, so restart it",
		Risk:   "Little: a waiting connection costs some kernel memory.", Safety: CheckFirst,
	}, setting{"net.core.somaxconn", "4096", "<value before, see above>"})
	return []Advice{show, backlog, limit}
}
