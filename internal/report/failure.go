package report

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// failure is the calls of a process that failed in the same way. The addresses are as in
// an event: the remote one is the argument of connect(), the local one that of bind().
type failure struct {
	identity
	Op        string   `json:"op"`
	Errno     string   `json:"errno"`
	Reason    string   `json:"reason"`
	Inferred  []string `json:"inferred"`
	Count     uint64   `json:"count"`
	Resent    uint64   `json:"syn_resent"` // of count: connects whose SYN was retransmitted
	Rate      float64  `json:"rate"`       // per second, over the last seconds of the window
	First     string   `json:"first"`
	Last      string   `json:"last"`
	Netns     uint32   `json:"netns"`
	NetnsName string   `json:"netns_name"`
	NetnsGone bool     `json:"netns_gone"`
	Family    int      `json:"family"`
	Proto     string   `json:"proto"`
	Saddr     string   `json:"saddr"`
	Sport     uint16   `json:"sport"`
	Daddr     string   `json:"daddr"`
	Dport     uint16   `json:"dport"`
	Holder    *holding `json:"holder"` // the socket that was in the way, null: unknown, or none
}

// holding is the socket that has a port, or a 4-tuple, that a failed call wanted.
type holding struct {
	PID       uint32   `json:"pid"` // also of a process that has ended; 0: unknown
	StartTime string   `json:"start_time"`
	Comm      string   `json:"comm"`
	Exe       string   `json:"exe"`
	State     string   `json:"state"`
	Saddr     string   `json:"saddr"`
	Sport     uint16   `json:"sport"`
	Daddr     string   `json:"daddr"`
	Dport     uint16   `json:"dport"`
	FreesIn   *float64 `json:"frees_in_seconds"` // null: only the process can free it
	Outgoing  bool     `json:"outgoing"`         // a connection that this host has opened, or its TIME_WAIT
}

func newHolding(h *snapshot.HeldBy, clock event.Clock) *holding {
	if h == nil {
		return nil
	}
	out := &holding{
		PID: h.Proc.PID, StartTime: formatTime(clock.StartTime(h.Proc)), Comm: h.Info.Comm, Exe: h.Info.Exe,
		State: h.State.String(), Saddr: h.Local.Addr.String(), Sport: h.Local.Port, Daddr: h.Remote.Host(), Dport: h.Remote.Port,
		Outgoing: h.Outgoing,
	}
	if h.FreeIn >= 0 {
		seconds := h.FreeIn.Seconds()
		out.FreesIn = &seconds
	}
	return out
}

func newFailure(f *snapshot.Failure, clock event.Clock) failure {
	local, target := f.Local, f.Target
	saddr := local.Host()
	if f.Op != event.OpConnect {
		local, target = f.Target, event.Endpoint{}
		saddr = local.Addr.String() // the argument of the call, hence known
	}
	return failure{
		identity: newIdentity(&f.Proc, clock), Op: f.Op.String(), Errno: f.Errno.String(), Reason: f.Reason.String(),
		Inferred: append([]string{}, f.Inferred.Names()...), Count: f.Count, Resent: f.Resent, Rate: f.Rate,
		First: formatTime(f.First), Last: formatTime(f.Last),
		Netns: f.Netns, NetnsName: f.NetnsName, NetnsGone: f.NetnsGone, Family: family(f.Target), Proto: f.Proto.String(),
		Saddr: saddr, Sport: local.Port, Daddr: target.Host(), Dport: target.Port,
		Holder: newHolding(f.HeldBy, clock),
	}
}

// otherFailures is the failures without a row, of any process and call.
type otherFailures struct {
	Count uint64  `json:"count"`
	Rate  float64 `json:"rate"`
	First string  `json:"first"`
	Last  string  `json:"last"`
}

// sweep is the calls of a process that failed in the same way for many targets.
type sweep struct {
	identity
	Op        string   `json:"op"`
	Errno     string   `json:"errno"`
	Reason    string   `json:"reason"`
	Inferred  []string `json:"inferred"`
	Targets   int      `json:"targets"`
	Estimated bool     `json:"targets_estimated"` // to some percent
	Count     uint64   `json:"count"`
	Rate      float64  `json:"rate"`
	First     string   `json:"first"`
	Last      string   `json:"last"`
	Netns     uint32   `json:"netns"`
	NetnsName string   `json:"netns_name"`
	Proto     string   `json:"proto"`
}

func newSweep(w *snapshot.Sweep, clock event.Clock) sweep {
	return sweep{
		identity: newIdentity(&w.Proc, clock), Op: w.Op.String(), Errno: w.Errno.String(), Reason: w.Reason.String(),
		Inferred: append([]string{}, w.Inferred.Names()...), Targets: w.Targets, Estimated: w.Estimated, Count: w.Count, Rate: w.Rate, First: formatTime(w.First), Last: formatTime(w.Last),
		Netns: w.Netns, NetnsName: w.NetnsName, Proto: w.Proto.String(),
	}
}
