package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// tinyBuckets is a tcp_max_tw_buckets that only a host with less than 512 MiB has by itself: the
	// kernel sets it to half the size of the socket table, which has a slot for each 128 KiB.
	tinyBuckets = 2048
	// manyTimeWait is how many connections in TIME_WAIT alarm people.
	manyTimeWait = 10_000
)

// folklore notes what harms no one now, and is often taken for the cause or the cure.
func (j *judge) folklore() {
	for i := range j.s.Namespaces {
		n := &j.s.Namespaces[i]
		if n.Gone {
			continue
		}
		j.settings(n)
		j.overlaps(n)
	}
	j.manyTimeWait()
	j.resets()
	j.inboundOnly()
	j.closeWait()
}

// note adds what is known, and no trouble.
func (j *judge) note(cause Cause, netns uint32, about, summary string) {
	f := Finding{ID: id(cause, about), Cause: cause, Severity: Info, Confidence: Possible, Summary: summary}
	f.Subject.Netns = netns
	for i := range j.findings {
		if have := &j.findings[i]; have.Cause == cause && have.Subject.Netns == netns && have.Severity > Info {
			return // it is said there
		}
	}
	j.add(f)
}

// manyResets is how many connections that a program ends by a RST are no accident.
const manyResets = 100

// resets notes the program that ends most connections by a RST, if most of its own end so.
func (j *judge) resets() {
	var most *snapshot.Process
	for i := range j.s.Processes {
		p := &j.s.Processes[i]
		if p.ResetsOut >= manyResets && p.ResetsOut*2 > p.ClosesOut && (most == nil || p.ResetsOut > most.ResetsOut) {
			most = p
		}
	}
	if most == nil {
		return
	}
	j.note(None, 0, "rst:"+programOf(&most.Info), fmt.Sprintf(
		"%s ends %s of its %s connections by a RST (SO_LINGER with 0 seconds, or data that it does not read): that leaves no TIME_WAIT, but data on its way is lost, "+
			"and an old packet can get into the next connection with the same ports. It is no cure for a lack of ports",
		named(&most.Info), phrase.Count(most.ResetsOut), phrase.Count(most.ClosesOut)))
}

// settings notes those that do not do what they are set for.
func (j *judge) settings(n *snapshot.Namespace) {
	if n.FinTimeout > 0 && n.FinTimeout < usualFinTimeout {
		j.note(None, n.Inode, "tcp_fin_timeout", finTimeoutText(n))
	}
	if n.MaxTimeWait > 0 && n.MaxTimeWait < tinyBuckets {
		j.note(TimeWaitOverflow, n.Inode, n.Name, fmt.Sprintf(
			"net.ipv4.tcp_max_tw_buckets is only %s: beyond that connections end without TIME_WAIT, which protects the next ones with the same ports", phrase.Count(n.MaxTimeWait)))
	}
	if !n.Ports.Known() {
		return
	}
	size := n.Ports.Size()
	if size%2 == 1 {
		j.note(NarrowRange, n.Inode, "parity", fmt.Sprintf(
			"both ends of net.ipv4.ip_local_port_range (%d to %d) are %s: connect() has one port less of the other parity, and the kernel asks for ends of different parity",
			n.Ports.Low, n.Ports.High, parity(n.Ports.Low)))
	}
	if reserved := size - n.Capacity; n.Capacity > 0 && reserved*2 > size {
		j.note(ReservedRange, n.Inode, n.Name, fmt.Sprintf("net.ipv4.ip_local_reserved_ports takes %s of the %s ports of the range away", phrase.Count(reserved), phrase.Count(size)))
	}
}

func parity(port uint16) string {
	if port%2 == 0 {
		return "even"
	}
	return "odd"
}

func finTimeoutText(n *snapshot.Namespace) string {
	return fmt.Sprintf("net.ipv4.tcp_fin_timeout is %.0f s here: it limits FIN_WAIT2 and does not shorten TIME_WAIT, which lasts %.0f s whatever it is",
		n.FinTimeout.Seconds(), n.TimeWaitLength.Seconds())
}

// overlaps notes services whose ports connections can take while they are down.
func (j *judge) overlaps(n *snapshot.Namespace) {
	if !n.Ports.Known() {
		return
	}
	inside := 0
	var first *snapshot.Listener
	for i := range n.Listeners {
		if l := &n.Listeners[i]; l.Proc.ID.Known() && n.Ports.Holds(l.Local.Port) {
			if first == nil {
				first = l
			}
			inside++
		}
	}
	if first != nil {
		text := fmt.Sprintf("%s listens on %s, a port that connections can be given while it is down: it may not come up again then", named(&first.Proc), phrase.Endpoint(first.Local))
		if inside > 1 {
			text += fmt.Sprintf("; %s more do", phrase.Count(inside-1))
		}
		j.note(RangeOverlapsListeners, n.Inode, programOf(&first.Proc), text)
	}
	if overlap(n.Ports, nodePorts) && runsKubernetes(j.s) {
		j.note(RangeOverlapsListeners, n.Inode, "nodeports", fmt.Sprintf(
			"the port range %d to %d holds the NodePorts of Kubernetes, %d to %d: a connection can take the port of a service", n.Ports.Low, n.Ports.High, nodePorts.Low, nodePorts.High))
	}
}

// manyTimeWait says that a great number of connections in TIME_WAIT is fine: they are spread.
func (j *judge) manyTimeWait() {
	if j.s.Totals.TimeWaitOut < manyTimeWait || j.limitsPorts() {
		return
	}
	fullest, spaces := 0, 0
	for i := range j.s.PortSpaces {
		if s := &j.s.PortSpaces[i]; s.Kind == snapshot.ConnectSpace && s.TimeWait > 0 {
			spaces++
			fullest = max(fullest, s.TakenPercent())
		}
	}
	if fullest*2 >= 100 {
		return
	}
	where := fmt.Sprintf("they are spread over %s, and the fullest has", phrase.Plural(spaces, "port space"))
	if spaces == 1 {
		where = "their port space has"
	}
	j.note(None, 0, "time_wait", fmt.Sprintf("%s connections in TIME_WAIT are no trouble: %s %d %% of its ports taken",
		phrase.Count(j.s.Totals.TimeWaitOut), where, fullest))
}

// limitsPorts reports whether a port space is in trouble.
func (j *judge) limitsPorts() bool {
	for i := range j.findings {
		if j.findings[i].trouble != "" && j.findings[i].Severity > Info {
			return true
		}
	}
	return false
}

// inboundOnly says that the TIME_WAIT of accepted connections takes no port of the range.
func (j *judge) inboundOnly() {
	t := &j.s.Totals
	if t.TimeWaitIn < manyTimeWait || t.TimeWaitOut*10 > t.TimeWaitIn {
		return
	}
	j.note(InboundOnly, 0, "", fmt.Sprintf(
		"%s connections in TIME_WAIT were accepted by servers of this host: they keep the servers' own port and take none of the range", phrase.Count(t.TimeWaitIn)))
}

// closeWait notes programs that leave connections in CLOSE_WAIT, where no port runs out of it.
func (j *judge) closeWait() {
	for i := range j.s.Pairs {
		p := &j.s.Pairs[i]
		if p.CloseWait < manyCloseWait || p.NetnsGone {
			continue
		}
		proc := p.Process()
		f := Finding{
			ID: id(CloseWaitLeak, programOf(&proc), phrase.Remote(p.Proto, p.Remote)), Cause: CloseWaitLeak, Severity: Info, Confidence: Possible, Since: j.s.Wall,
			Summary: fmt.Sprintf("%s has not closed %s to %s that the other end has closed (CLOSE_WAIT)", named(&proc), phrase.Plural(p.CloseWait, "connection"), phrase.Remote(p.Proto, p.Remote)),
		}
		f.Subject = Subject{Netns: p.Netns, Proc: p.Proc, Remote: p.Remote}
		j.add(f)
	}
}
