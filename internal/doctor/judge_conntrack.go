package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// trackingNearlyFull is the share of nf_conntrack_max, in percent, from which on the table is nearly
// full.
const trackingNearlyFull = 95

// conntrack judges the connection tracking of a namespace.
func (j *judge) conntrack(n *snapshot.Namespace) {
	now, counted := &n.Counts.Conntrack, &n.Counted.Conntrack
	entries, most := max(now.Entries.Value(), counted.Entries.Value()), now.Max.Value()
	drops, early, failed := counted.Drops.Value(), counted.EarlyDrops.Value(), counted.InsertFailed.Value()
	isFull := most > 0 && entries*100 >= most*trackingNearlyFull
	// An entry that cannot be inserted is counted as a drop, too (__nf_conntrack_confirm and
	// nf_ct_resolve_clash, net/netfilter/nf_conntrack_core.c, Linux 6.18); one that finds the
	// table full as a drop alone.
	switch {
	case isFull || drops > failed:
		j.conntrackFull(n, entries, most, drops, early)
	case failed > 0:
		j.snat(n, failed)
	}
}

func (j *judge) conntrackFull(n *snapshot.Namespace, entries, most, drops, early uint64) {
	if most == 0 && drops < fewDrops {
		return
	}
	where := phrase.Netns(n.Name, n.Inode)
	text := fmt.Sprintf("the connection tracking table of %s has %s of at most %s entries: when it is full, the packets that begin a connection are dropped", where, phrase.Count(entries), phrase.Count(most))
	f := ofNetns(ConntrackFull, n, "", text)
	f.Confidence = Possible // nearly full alone: it can stay there
	switch {
	case drops > 0:
		f.Severity, f.Confidence = Critical, Proved
		f.Summary = fmt.Sprintf("the connection tracking table of %s is full (%s of %s entries): %s that would have begun a connection dropped",
			where, phrase.Count(entries), phrase.Count(most), phrase.Plural(drops, "packet"))
		if most == 0 {
			f.Summary = fmt.Sprintf("the connection tracking of %s drops packets: %s so far", where, phrase.Count(drops))
		}
	case early > 0:
		f.Confidence = Likely // it makes room by force
	case entries >= most:
		f.Confidence = Proved
	}
	f.count = drops
	j.counted(&f, entries, "entries", "nf_conntrack_count is %s of nf_conntrack_max %s", phrase.Count(entries), phrase.Count(most))
	if drops > 0 {
		j.counted(&f, drops, "packets", "%s dropped since the start (drop in /proc/net/stat/nf_conntrack)", phrase.Plural(drops, "packet"))
	}
	if early > 0 {
		j.counted(&f, early, "entries", "%s removed to make room (early_drop)", phrase.Count(early))
	}
	j.add(f)
}

// snat judges entries that could not be inserted: with address translation behind the namespace
// that means that no port was left of the address that stands for it.
func (j *judge) snat(n *snapshot.Namespace, failed uint64) {
	nat := n.Counts.Conntrack.NAT
	s := j.mostSilent(n.Inode)
	if s == nil && nat.Value() == 1 {
		s = j.mostSilent(anyNetns) // of a container, whose packets this namespace forwards
		if s != nil && 2*failed < s.count+uint64(s.pending) {
			s = nil // each SYN would have failed
		}
	}
	f := ofNetns(SNAT, n, "", "")
	f.count = failed
	to := ""
	if s != nil {
		to = " to " + phrase.Endpoint(s.dest.Remote)
		f.ID = id(SNAT, s.program, phrase.Endpoint(s.dest.Remote))
		f.Subject.Remote, f.Subject.Proc = s.dest.Remote, s.proc.ID
	}
	f.Summary = fmt.Sprintf("connections%s get lost after they leave their sockets: the address translation (SNAT, masquerade) of %s failed for %s, most likely as it has no port left for that destination",
		to, phrase.Netns(n.Name, n.Inode), phrase.Plural(failed, "packet"))
	switch {
	case s != nil && nat.Known() && nat.Value() == 1:
		f.Confidence, f.Severity = Likely, Critical
	case nat.Known() && nat.Value() == 0:
		return // two packets of one flow at the same moment do this, too: one is dropped
	default:
		f.Confidence = Possible
	}
	j.counted(&f, failed, "connections", "insert_failed has grown by %s", phrase.Count(failed))
	if s != nil {
		j.counted(&f, s.count+uint64(s.pending), "calls", "%s of %s to it had to send the SYN again", phrase.Plural(s.count+uint64(s.pending), "connect() call"), s.program)
	}
	if ports := j.inUseTo(s); ports > 0 {
		j.counted(&f, uint64(ports), "ports", "%s in use towards it on this side", phrase.Plural(ports, "port"))
	}
	j.add(f)
}

// anyNetns stands for all network namespaces.
const anyNetns = 0

// mostSilent returns the destination of the namespace with the most calls without an answer,
// nil if there are too few.
func (j *judge) mostSilent(netns uint32) *silent {
	var most *silent
	for _, s := range j.silent {
		if n := int(s.count) + s.pending; (netns == anyNetns || s.dest.Netns == netns) && n >= enoughSilent && (most == nil || n > int(most.count)+most.pending) {
			most = s
		}
	}
	return most
}

// inUseTo returns how many ports are in use towards a destination in its namespace.
func (j *judge) inUseTo(s *silent) (n int) {
	if s == nil {
		return 0
	}
	for i := range j.s.PortSpaces {
		p := &j.s.PortSpaces[i]
		if p.Netns == s.dest.Netns && p.Remote == s.dest.Remote && p.Proto == event.TCP {
			n += p.Live + p.TimeWait
		}
	}
	return n
}
