package doctor

import (
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// namespaces judges what the kernel has counted in the network namespaces since the trace began.
// How much a counter grew before that is not known.
func (j *judge) namespaces() {
	for i := range j.s.Namespaces {
		n := &j.s.Namespaces[i]
		if n.Gone {
			continue
		}
		j.timeWaitOverflow(n)
		j.conntrack(n)
		j.listenOverflow(n)
		j.tcpMemory(n)
	}
}

// ofNetns returns a finding about a network namespace. Its ID has no inode: that differs from
// run to run.
func ofNetns(cause Cause, n *snapshot.Namespace, program, summary string) Finding {
	f := Finding{ID: id(cause, program), Cause: cause, Severity: Warning, Confidence: Proved, Summary: summary}
	if program == "" {
		f.ID = id(cause, n.Name)
	}
	f.Subject.Netns = n.Inode
	return f
}

// counted adds a counter of the kernel to the evidence.
func (j *judge) counted(f *Finding, n uint64, unit, format string, args ...any) {
	f.Since = j.s.Wall // when it grew first is for a History to know
	f.Evidence = append(f.Evidence, Evidence{Text: fmt.Sprintf(format, args...), Value: float64(n), Unit: unit, At: j.s.Wall})
}

// timeWaitOverflow judges connections that were closed without the TIME_WAIT that they should
// have left, as there were more than tcp_max_tw_buckets of them.
func (j *judge) timeWaitOverflow(n *snapshot.Namespace) {
	refused := max(n.Refused, n.Counted.TimeWaitOverflows.Value())
	if refused == 0 {
		return
	}
	program, most := j.mostClosing(n.Inode)
	who := "the programs of " + phrase.Netns(n.Name, n.Inode)
	f := ofNetns(TimeWaitOverflow, n, "", fmt.Sprintf(
		"%s close more connections than net.ipv4.tcp_max_tw_buckets (%s) lets wait in TIME_WAIT: %s ended without it, and a late packet of them can reach a new connection with the same ports",
		who, phrase.Count(n.MaxTimeWait), phrase.Plural(refused, "connection")))
	f.count = refused
	j.counted(&f, refused, "connections", "TCPTimeWaitOverflow has grown by %s", phrase.Count(refused))
	j.counted(&f, uint64(max(n.MaxTimeWait, 0)), "buckets", "net.ipv4.tcp_max_tw_buckets is %s", phrase.Count(n.MaxTimeWait))
	if program != "" {
		j.counted(&f, most, "connections", "%s closes most outgoing connections first: %s should have left TIME_WAIT", program, phrase.Count(most))
	}
	j.add(f)
}

// mostClosing returns the program of the namespace whose outgoing connections have left most
// TIME_WAIT buckets.
func (j *judge) mostClosing(netns uint32) (name string, most uint64) {
	sums := map[string]uint64{}
	for i := range j.s.Pairs {
		if p := &j.s.Pairs[i]; p.Netns == netns && !p.NetnsGone && p.TimeWaitEntered > 0 && p.Proc.Known() {
			proc := p.Process()
			sums[programOf(&proc)] += p.TimeWaitEntered
		}
	}
	for program, n := range sums {
		if n > most || n == most && program < name {
			name, most = program, n
		}
	}
	return name, most
}

const (
	// fewDrops is how many dropped SYNs harm little: the client sends them again.
	fewDrops  = 10
	manyDrops = 100
)

// listenOverflow judges listeners that do not accept connections fast enough.
func (j *judge) listenOverflow(n *snapshot.Namespace) {
	accept, syns := n.Counted.ListenOverflows.Value(), n.Counted.RequestDrops.Value()
	dropped := accept + syns
	if dropped == 0 {
		return
	}
	target, server := j.overloaded(n)
	what, about := "a listener in "+phrase.Netns(n.Name, n.Inode), ""
	if server != nil {
		about = phrase.Endpoint(server.Local)
		what = named(&server.Proc) + ", which listens on " + about + ","
	}
	text := fmt.Sprintf("%s accepts connections more slowly than they come: its accept queue was full for %s, which the client has to send again", what, phrase.Plural(accept, "packet"))
	if accept == 0 {
		text = fmt.Sprintf("%s has more half-open connections than its SYN queue holds: %s dropped", what, phrase.Plural(syns, "SYN"))
	}
	f := ofNetns(ListenOverflow, n, about, text)
	f.count = dropped
	switch {
	case dropped < fewDrops:
		f.Severity = Info
	case dropped >= manyDrops && target != nil:
		f.Severity = Critical
	}
	if server != nil {
		f.Subject.Remote, f.Subject.Proc = server.Local, server.Proc.ID
	}
	if accept > 0 {
		j.counted(&f, accept, "connections", "ListenOverflows has grown by %s", phrase.Count(accept))
	}
	if syns > 0 {
		j.counted(&f, syns, "connections", "TCPReqQFullDrop has grown by %s", phrase.Count(syns))
	}
	if cookies := n.Counted.RequestCookies.Value(); cookies > 0 {
		j.counted(&f, cookies, "connections", "%s answered with SYN cookies (TCPReqQFullDoCookies)", phrase.Plural(cookies, "SYN"))
	}
	if target != nil {
		j.counted(&f, target.count+uint64(target.pending), "calls", "%s of %s to it had to send the SYN again", phrase.Plural(target.count+uint64(target.pending), "connect() call"), target.program)
	}
	j.add(f)
}

// overloaded returns the listener of the namespace that does not answer, with the calls to it that
// got no answer: the one that most calls were for. Clients on other hosts are not seen: then it is
// the only listener there is, without calls. nil: it is not known.
func (j *judge) overloaded(n *snapshot.Namespace) (most *silent, server *snapshot.Listener) {
	for _, s := range j.silent {
		if most != nil && int(s.count)+s.pending <= int(most.count)+most.pending {
			continue
		}
		if l := j.listens(n, s.dest); l != nil {
			most, server = s, l
		}
	}
	if most == nil && len(n.Listeners)+len(n.Servers) == 1 {
		return nil, &slices.Concat(n.Listeners, n.Servers)[0]
	}
	return most, server
}

// listens returns the listener of the namespace that a destination leads to, nil if it is another's.
func (j *judge) listens(n *snapshot.Namespace, to snapshot.Peer) *snapshot.Listener {
	ip := to.Remote.Addr.IP()
	if to.Netns != n.Inode && ip.IsLoopback() || to.Netns == n.Inode && !j.isLocal(to.Remote.Addr) {
		return nil
	}
	for _, list := range [][]snapshot.Listener{n.Servers, n.Listeners} {
		for i := range list {
			if l := &list[i]; l.Local.Port == to.Remote.Port && (l.Local.Addr == to.Remote.Addr || l.Local.Addr.IP().IsUnspecified()) {
				return l
			}
		}
	}
	return nil
}

// tcpMemory judges the memory of the TCP sockets of the host, and orphans.
func (j *judge) tcpMemory(n *snapshot.Namespace) {
	aborts, pressures := n.Counted.MemoryAborts.Value(), n.Counted.MemoryPressures.Value()
	pages, orphans, most := n.Counts.MemPages.Value(), n.Counts.Orphans.Value(), n.MaxOrphans.Value()
	if aborts == 0 && pressures == 0 {
		return
	}
	tooMany := most > 0 && max(orphans, n.Counted.Orphans.Value())*2 > most
	var text string
	switch {
	case aborts > 0 && tooMany:
		text = fmt.Sprintf("the kernel has reset %s for which no process is left, as there are too many of them (net.ipv4.tcp_max_orphans is %s)",
			phrase.Plural(aborts, "connection"), phrase.Count(most))
	case aborts > 0:
		text = fmt.Sprintf("the kernel has reset %s for lack of TCP memory or as too many have no process left", phrase.Plural(aborts, "connection"))
	default:
		text = "the TCP sockets of this host have come under memory pressure: their buffers are limited to what net.ipv4.tcp_mem allows"
	}
	f := ofNetns(TCPMemory, n, "", text)
	f.count = aborts + pressures
	if aborts > 0 {
		f.Severity = Critical
		j.counted(&f, aborts, "connections", "TCPAbortOnMemory has grown by %s", phrase.Count(aborts))
	}
	if pressures > 0 {
		j.counted(&f, pressures, "times", "TCPMemoryPressures has grown by %s", phrase.Count(pressures))
	}
	if pages > 0 && n.TCPMem[1] > 0 {
		j.counted(&f, pages, "pages", "TCP sockets have %s pages of memory; pressure begins at %s, the limit is %s (net.ipv4.tcp_mem)",
			phrase.Count(pages), phrase.Count(n.TCPMem[1]), phrase.Count(n.TCPMem[2]))
	}
	if most > 0 && n.Counts.Orphans.Known() {
		j.counted(&f, orphans, "sockets", "%s without a process, %s allowed (net.ipv4.tcp_max_orphans)", phrase.Plural(orphans, "socket"), phrase.Count(most))
	}
	j.add(f)
}
