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
	Rate      float64  `json:"rate"` // per second, over the last seconds of the window
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
		Inferred: append([]string{}, f.Inferred.Names()...), Count: f.Count, Rate: f.Rate,
		First: formatTime(f.First), Last: formatTime(f.Last),
		Netns: f.Netns, NetnsName: f.NetnsName, NetnsGone: f.NetnsGone, Family: family(f.Target), Proto: f.Proto.String(),
		Saddr: saddr, Sport: local.Port, Daddr: target.Host(), Dport: target.Port,
	}
}
