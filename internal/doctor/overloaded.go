package doctor

import (
	"slices"
	"strings"
)

// joinOverloaded makes one trouble of a listener whose queues overflow and of the peer that does not
// answer, which is that listener. If its attempts take all ports, that stays a finding, which names
// the other.
func joinOverloaded(findings []Finding) []Finding {
	var kept []Finding
	var silent []*Finding
	for i := range findings {
		f := &findings[i]
		at := slices.IndexFunc(findings, func(o Finding) bool { return o.overloads(f) })
		switch {
		case at < 0:
		case f.trouble == "":
			silent = append(silent, f)
			continue
		case !strings.Contains(f.Summary, findings[at].ID):
			f.Summary += "; its listener is overloaded: see " + findings[at].ID
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

// overloads reports whether the finding is about the listener that the destination of f leads to.
func (f *Finding) overloads(of *Finding) bool {
	listener, remote := f.Subject.Remote, of.Subject.Remote
	if of.Cause != HalfOpen || f.Cause != ListenOverflow || f.Severity == Info || listener.Port == 0 || listener.Port != remote.Port {
		return false
	}
	if remote.Addr.IP().IsLoopback() && f.Subject.Netns != of.Subject.Netns {
		return false
	}
	return listener.Addr == remote.Addr || listener.Addr.IP().IsUnspecified()
}
