package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// adviseOwnPorts is for a program that has used up the ports that it chooses itself: no setting of
// the kernel gives it others.
func (t *trouble) adviseOwnPorts() []Advice {
	own := &snapshot.OwnPorts{Local: t.Subject.Local}
	if t.row != nil && t.row.OwnPorts != nil {
		own = t.row.OwnPorts
	}
	widen := t.widenOwnPorts
	if t.recipe.ownPorts != nil {
		widen = func(own *snapshot.OwnPorts) []Advice { return t.recipe.ownPorts(t, own) }
	}
	return append(widen(own), t.recipe.bindLate(t))
}

// widenOwnPorts is the advice for a program of which no configuration is known.
func (t *trouble) widenOwnPorts(own *snapshot.OwnPorts) []Advice {
	ports := "those that it has"
	if own.High > 0 {
		ports = fmt.Sprintf("%d-%d", own.Low, own.High)
	}
	return []Advice{{
		Action: fmt.Sprintf("Give %s more local ports than %s, or another source address: each address has all ports of the list again", t.name(), ports),
		Undo:   "put the old list back", Risk: ownPortsRisk, Safety: CheckFirst,
	}, {
		Action: fmt.Sprintf("Have %s wait for a free port, or use a connection again, before it accepts a client that it cannot serve", t.name()),
		Undo:   changesCode, Risk: "Clients wait longer.", Safety: CheckFirst,
	}}
}

const ownPortsRisk = "Another program can have one of the added ports: keep them out of net.ipv4.ip_local_port_range, or reserve them (net.ipv4.ip_local_reserved_ports), " +
	"and away from the ports of services. A firewall that expects the old ports must learn the new ones."

// widerPorts returns a range of twice as many ports, a placeholder if the highest port is too near.
func widerPorts(own *snapshot.OwnPorts) string {
	high := int(own.Low) + 2*own.Size() - 1
	if own.High == 0 || high > highestPort {
		return "<low>-<high>"
	}
	return fmt.Sprintf("%d-%d", own.Low, high)
}

// haproxyOwnPorts is for HAProxy with source ADDRESS:LOW-HIGH. It takes a port for each connection
// to a server from that list; without a free one it answers 503 or closes the client's connection.
func haproxyOwnPorts(t *trouble, own *snapshot.OwnPorts) []Advice {
	old, address, wider := "<low>-<high>", "<local address>", widerPorts(own)
	if own.High > 0 {
		old, address = fmt.Sprintf("%d-%d", own.Low, own.High), own.Local.String()
	}
	server := fmt.Sprintf("    server <server> %s source %s:", t.remoteWord(), address)
	const undo = "put the old lines back and reload"
	return []Advice{{
		Action: fmt.Sprintf("Widen source %s:%s to %s in HAProxy and reload: each connection to a server takes a port of that list. haproxy -c -f FILE checks the configuration",
			address, old, wider),
		Command: lines("backend <name>", fmt.Sprintf("%s%s   # was %s", server, wider, old)),
		Undo:    undo, Risk: ownPortsRisk, Safety: CheckFirst,
	}, {
		Action: "Connect from two local addresses: each has all ports of the list. HAProxy takes one server line for each",
		Command: lines("backend <name>",
			fmt.Sprintf("    server <server>1 %s source %s:%s", t.remoteWord(), address, old),
			fmt.Sprintf("    server <server>2 %s source <second local address>:%s", t.remoteWord(), old)),
		Undo: undo, Safety: CheckFirst,
		Risk: "The addresses must be on this host, routed back to it and allowed by the server. Health checks multiply.",
	}, haproxyQueue(own, server+old, undo)}
}

// haproxyQueue bounds the connections of the server, so that HAProxy queues what it would refuse.
func haproxyQueue(own *snapshot.OwnPorts, server, undo string) Advice {
	most := "<number of ports>"
	if own.High > 0 {
		most = fmt.Sprint(max(own.Size()*9/10-1, 1)) // a port in TIME_WAIT is of the list, too
	}
	return Advice{
		Action: fmt.Sprintf("Have HAProxy queue the clients that it refuses now, by maxconn %s of the server (of several that share the ports: in all)", most),
		Command: lines("backend <name>", "    timeout queue 10s",
			"    http-reuse always   # in mode http only: idle connections have ports of the list, too", server+" maxconn "+most),
		Undo:   undo,
		Risk:   "It serves no more clients at a time: the others wait, and are refused after timeout queue. With http-reuse always a request can meet a connection that the server is closing.",
		Safety: CheckFirst,
	}
}
