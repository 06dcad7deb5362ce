package tui

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// about is what a row shows. What a row does not know is zero or empty.
type about struct {
	netns  []uint32
	procs  []event.ProcID // the row's own, or those that hold or want its ports
	local  event.Addr
	remote event.Endpoint
	port   uint16
	// towards are destinations of its processes: a finding can be about one of them, but also
	// about another.
	towards []event.Endpoint
	// causes are those that can explain the row; nil: any can.
	causes []doctor.Cause
}

// addPairs adds what the connections of a row show.
func (a *about) addPairs(pairs []snapshot.Pair) {
	for i := range pairs {
		a.towards = append(a.towards, pairs[i].Remote)
		if !slices.Contains(a.netns, pairs[i].Netns) {
			a.netns = append(a.netns, pairs[i].Netns)
		}
	}
}

// fit is how exactly a finding is about a row.
type fit uint8

const (
	unrelated fit = iota
	nearby        // about the namespace of the row, as a whole
	exactly       // about its process, destination or port
)

// fitOf compares what both know. One difference is enough to be unrelated.
func (a *about) fitOf(f *doctor.Finding) fit {
	sub := &f.Subject
	switch {
	case a.causes != nil && !slices.Contains(a.causes, f.Cause),
		sub.Netns != 0 && len(a.netns) > 0 && !slices.Contains(a.netns, sub.Netns),
		sub.Port != 0 && a.port != 0 && sub.Port != a.port,
		differ(sub.Local, a.local), differ(sub.Remote.Addr, a.remote.Addr),
		sub.Remote.Port != 0 && a.remote.Port != 0 && sub.Remote.Port != a.remote.Port:
		return unrelated
	}
	if a.concerns(f) || a.sharesEnd(sub) {
		return exactly
	}
	if sub.Proc.Known() && len(a.procs) > 0 || sub.Netns == 0 || !slices.Contains(a.netns, sub.Netns) || sub.Remote.Known() || sub.Port != 0 {
		return unrelated
	}
	return nearby
}

func differ(a, b event.Addr) bool {
	return a != (event.Addr{}) && b != (event.Addr{}) && a != b
}

// concerns reports whether a process of the row is the cause, or a victim.
func (a *about) concerns(f *doctor.Finding) bool {
	if f.Subject.Proc.Known() && slices.Contains(a.procs, f.Subject.Proc) {
		return true
	}
	return slices.ContainsFunc(f.Victims, func(v doctor.Victim) bool {
		return v.Proc.ID.Known() && slices.Contains(a.procs, v.Proc.ID)
	})
}

// sharesEnd reports whether the finding is about an address or port of the row, none of which
// differ. What another process does towards a destination is no matter of this one's row.
func (a *about) sharesEnd(sub *doctor.Subject) bool {
	switch {
	case sub.Remote.Known():
		return sub.Remote.Addr == a.remote.Addr || !sub.Proc.Known() && slices.Contains(a.towards, sub.Remote)
	case sub.Port != 0:
		return sub.Port == a.port
	}
	return sub.Local != (event.Addr{}) && sub.Local == a.local
}

// matching returns the findings about the row: the most exact first, then the worst.
func (a *about) matching(findings []doctor.Finding) []doctor.Finding {
	var found []doctor.Finding
	for _, f := range doctor.Sorted(findings, true) {
		if a.fitOf(&f) != unrelated {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(x, y doctor.Finding) int { return cmp.Compare(a.fitOf(&y), a.fitOf(&x)) })
	return found
}

// noPort are the causes of calls that find no port.
var noPort = []doctor.Cause{
	doctor.Churn, doctor.Leak, doctor.CloseWaitLeak, doctor.Burst, doctor.EarlyBind, doctor.HalfOpen, doctor.NarrowRange,
	doctor.ReservedRange, doctor.SNAT, doctor.UDPPorts,
}

// noAnswer are the causes of SYNs that are not answered, or are answered with a RST.
var noAnswer = []doctor.Cause{doctor.HalfOpen, doctor.ConntrackFull, doctor.SNAT, doctor.ListenOverflow, doctor.TCPMemory}

// causesOf returns which causes can explain a failure: what else goes on at its destination does
// not.
func causesOf(reason event.Reason) []doctor.Cause {
	switch reason {
	case event.RangeExhausted:
		return noPort
	case event.PortTaken:
		return []doctor.Cause{doctor.PortTaken, doctor.RangeOverlapsListeners, doctor.EarlyBind}
	case event.TupleTaken:
		return []doctor.Cause{doctor.TupleTaken}
	case event.ForeignAddress:
		return []doctor.Cause{doctor.ForeignAddress}
	case event.NoIPv6:
		return []doctor.Cause{doctor.NoIPv6}
	case event.TimedOut, event.GivenUp, event.ResetByPeer:
		return noAnswer
	}
	return []doctor.Cause{} // the others are not this host's matter
}
