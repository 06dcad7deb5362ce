package doctor

import (
	"slices"
	"strings"
)

// joinOverloaded makes one trouble of a listener whose queues overflow and of the peer that does not
// answer, which is that listener. If its attempts take all ports, or if it may be another peer with
// the same port, that stays a finding, which names the other.
func joinOverloaded(findings []Finding) []Finding {
	var kept []Finding
	var silent []*Finding
	for i := range findings {
		f := &findings[i]
		if listener := listenerOf(findings, f); listener != nil {
			certain := listener.overloads(f)
			if certain && f.trouble == "" {
				silent = append(silent, f)
				continue
			}
			f.refer(listener, certain)
		}
		kept = append(kept, *f)
	}
	for _, f := range silent {
		at := slices.IndexFunc(kept, func(o Finding) bool { return o.overloads(f) })
		kept[at].Severity = max(kept[at].Severity, f.Severity)
		kept[at].Victims = mergeWorst(kept[at].Victims, f.Victims)
	}
	return kept
}

// listenerOf returns the finding about the listener that may be the peer of f, nil without one.
func listenerOf(findings []Finding, f *Finding) *Finding {
	if f.Cause != HalfOpen { // most findings of a host with hundreds
		return nil
	}
	for i := range findings {
		if findings[i].mayOverload(f) {
			return &findings[i]
		}
	}
	return nil
}

// refer names the finding of the listener, once.
func (f *Finding) refer(listener *Finding, certain bool) {
	switch {
	case strings.Contains(f.Summary, listener.ID):
	case certain:
		f.Summary += "; its listener is overloaded: see " + listener.ID
	default:
		f.Summary += "; a listener of this host at that port is overloaded: see " + listener.ID
	}
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
