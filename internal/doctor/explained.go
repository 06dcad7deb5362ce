package doctor

import (
	"slices"
	"strings"
)

// joinExplained makes one trouble of what drops the SYNs to a peer, a listener whose queues overflow or an
// address translation without a port, and of the peer that does not answer for it. If its attempts take
// all ports, or if it may be another peer with the same port, that stays a finding, which names the other.
func joinExplained(findings []Finding) []Finding {
	var kept []Finding
	var silent []*Finding
	for i := range findings {
		f := &findings[i]
		if why := explanationOf(findings, f); why != nil {
			certain := why.explains(f)
			if certain && f.trouble == "" {
				silent = append(silent, f)
				continue
			}
			f.refer(why, certain)
		}
		kept = append(kept, *f)
	}
	for _, f := range silent {
		at := slices.IndexFunc(kept, func(o Finding) bool { return o.explains(f) })
		kept[at].Severity = max(kept[at].Severity, f.Severity)
		kept[at].Victims = mergeWorst(kept[at].Victims, f.Victims)
	}
	return kept
}

// explanationOf returns the finding that may say why the peer of f does not answer, nil without one.
func explanationOf(findings []Finding, f *Finding) *Finding {
	if f.Cause != HalfOpen { // most findings of a host with hundreds
		return nil
	}
	for i := range findings {
		if findings[i].mayOverload(f) || findings[i].translates(f) {
			return &findings[i]
		}
	}
	return nil
}

// refer names the finding that explains it, once.
func (f *Finding) refer(to *Finding, certain bool) {
	switch {
	case strings.Contains(f.Summary, to.ID):
	case to.Cause == SNAT:
		f.Summary += "; its address translation has no port left: see " + to.ID
	case certain:
		f.Summary += "; its listener is overloaded: see " + to.ID
	default:
		f.Summary += "; a listener of this host at that port is overloaded: see " + to.ID
	}
}

// explains reports whether the finding is certainly why the peer of the other does not answer.
func (f *Finding) explains(of *Finding) bool { return f.overloads(of) || f.translates(of) }

// translates reports whether the finding is an address translation that drops the SYNs to the peer of the
// other: of a container its namespace is another one. A few failed inserts happen beside a host that is down.
func (f *Finding) translates(of *Finding) bool {
	return f.Cause == SNAT && f.Severity > Info && of.Cause == HalfOpen && f.Subject.Remote.Known() &&
		f.Subject.Remote == of.Subject.Remote && 2*f.count >= of.count
}

// mayOverload reports whether the finding is about a listener at the port of the peer of f.
func (f *Finding) mayOverload(of *Finding) bool {
	listener, remote := f.Subject.Remote, of.Subject.Remote
	if of.Cause != HalfOpen || f.Cause != ListenOverflow || f.Severity == Info || listener.Port == 0 || listener.Port != remote.Port {
		return false
	}
	if remote.Addr.IP().IsLoopback() && f.Subject.Netns != of.Subject.Netns {
		return false
	}
	return listener.Addr == remote.Addr || listener.Addr.IP().IsUnspecified()
}

// overloads reports whether it is that peer: another host can have the same port.
func (f *Finding) overloads(of *Finding) bool {
	return f.mayOverload(of) && (of.local || f.Subject.Remote.Addr == of.Subject.Remote.Addr)
}
