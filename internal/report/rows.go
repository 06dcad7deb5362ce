package report

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// totals are the sums over everything selected.
type totals struct {
	Opens           uint64 `json:"opens"`
	Closes          uint64 `json:"closes"`
	TimeWaitEntered uint64 `json:"time_wait_entered"`
	ConnectFailures uint64 `json:"connect_failures"`
	Binds           uint64 `json:"binds"`
	BindFailures    uint64 `json:"bind_failures"`
	Live            int64  `json:"live"`
	SynSent         int64  `json:"syn_sent"`
	CloseWait       int64  `json:"close_wait"`
	TimeWait        int64  `json:"time_wait"`       // of outgoing connections: each holds a port
	TimeWaitIn      int64  `json:"time_wait_in"`    // of accepted connections: they hold no port
	TimeWaitOther   int64  `json:"time_wait_other"` // counted by the kernel, of connections that are not known
	BeforeStart     int64  `json:"before_start"`    // of live and TIME_WAIT, accepted ones too: older than the trace
}

func newTotals(t *snapshot.Totals) totals {
	return totals{
		Opens: t.Opens, Closes: t.Closes(), TimeWaitEntered: t.TimeWaitEntered, ConnectFailures: t.ConnectFailures,
		Binds: t.Binds, BindFailures: t.BindFailures, Live: t.Live(), SynSent: t.SynSent, CloseWait: t.CloseWait,
		TimeWait: t.TimeWaitOut, TimeWaitIn: t.TimeWaitIn, TimeWaitOther: t.TimeWaitOther, BeforeStart: t.BeforeStart,
	}
}

// counts are the fields that every row has.
type counts struct {
	Opens           uint64 `json:"opens"`
	Closes          uint64 `json:"closes"`
	Live            int64  `json:"live"`
	SynSent         int64  `json:"syn_sent"`
	CloseWait       int64  `json:"close_wait"`
	TimeWait        int64  `json:"time_wait"`
	TimeWaitIn      int64  `json:"time_wait_in"`
	BeforeStart     int64  `json:"before_start"` // connections and TIME_WAIT buckets that are older than the trace
	ConnectFailures uint64 `json:"connect_failures"`
	BindFailures    uint64 `json:"bind_failures"`
	Unlisted        uint64 `json:"unlisted"`        // of opens, closes and binds: only counted, not listed one by one
	LifetimeP50US   *int64 `json:"lifetime_p50_us"` // of outgoing connections, without unlisted ones; null when none has ended
}

func newCounts(t *snapshot.Totals) counts {
	c := counts{
		Opens: t.Opens, Closes: t.Closes(), Live: t.Live(), SynSent: t.SynSent, CloseWait: t.CloseWait,
		TimeWait: t.TimeWaitOut, TimeWaitIn: t.TimeWaitIn, BeforeStart: t.BeforeStart,
		ConnectFailures: t.ConnectFailures, BindFailures: t.BindFailures, Unlisted: t.Unlisted,
	}
	if t.LifetimeP50 > 0 {
		us := t.LifetimeP50.Microseconds()
		c.LifetimeP50US = &us
	}
	return c
}

// rates are per second, over the last seconds of the window.
type rates struct {
	OpenRate    float64 `json:"open_rate"`
	CloseRate   float64 `json:"close_rate"`
	FailureRate float64 `json:"failure_rate"`
}

func newRates(r snapshot.Rates) rates { return rates{r.Opens, r.Closes, r.Failures} }

// identity is a process as in an event; for an unknown process it is empty.
type identity struct {
	PID           uint32  `json:"pid"`
	PPID          uint32  `json:"ppid"`
	StartTime     string  `json:"start_time"`
	Comm          string  `json:"comm"`
	Exe           string  `json:"exe"`
	Program       string  `json:"program"` // the name that users give it: of the script, else of the process
	Script        string  `json:"script"`  // what an interpreter runs, as its command line names it
	Container     string  `json:"container"`
	Unit          string  `json:"unit"`
	Pod           string  `json:"pod"`
	PodNamespace  string  `json:"pod_namespace"`
	ContainerName string  `json:"container_name"`
	UID           *uint32 `json:"uid"` // null if unknown: 0 is root
}

func newIdentity(p *event.Process, clock event.Clock) identity {
	id := identity{
		PID: p.ID.PID, PPID: p.PPID, StartTime: formatTime(clock.StartTime(p.ID)),
		Comm: p.Comm, Exe: p.Exe, Program: p.Program(), Script: p.Script, Container: p.Container, Unit: p.Unit,
		Pod: p.Pod.Name(), PodNamespace: p.Pod.Namespace(), ContainerName: p.Pod.Container(),
	}
	if p.ID.Known() {
		id.UID = &p.UID
	}
	return id
}

// remote is the destination of connections.
type remote struct {
	Netns     uint32 `json:"netns"`
	NetnsName string `json:"netns_name"`
	NetnsGone bool   `json:"netns_gone"` // the namespace exists no more
	Family    int    `json:"family"`
	Proto     string `json:"proto"`
	Daddr     string `json:"daddr"`
	Dport     uint16 `json:"dport"`
}

func newRemote(netns uint32, name string, gone bool, proto event.Proto, to event.Endpoint) remote {
	return remote{
		Netns: netns, NetnsName: name, NetnsGone: gone, Family: family(to), Proto: proto.String(), Daddr: to.Host(), Dport: to.Port,
	}
}

func family(end event.Endpoint) int {
	e := event.Event{Dst: end}
	return e.Family()
}

type process struct {
	identity
	CommandLine string     `json:"command_line"` // secrets are masked; empty: not known, or left out
	Ancestors   []ancestor `json:"ancestors"`    // the parent first; empty: not known
	counts
	rates
	First        string    `json:"first"`
	Last         string    `json:"last"`
	OpenFiles    *uint64   `json:"open_files"`  // file descriptors, null: not counted
	FileLimit    *uint64   `json:"file_limit"`  // RLIMIT_NOFILE, soft: at it socket() and accept() fail with EMFILE
	EarlyBinds   uint64    `json:"early_binds"` // of opens: a bind() had chosen the port before
	OwnPorts     *ownPorts `json:"own_ports"`   // a block of ports that it has bound one by one and connects from; null: none
	Destinations []pair    `json:"destinations"`
}

// ownPorts is a block of ports that a process chooses itself.
type ownPorts struct {
	Netns uint32 `json:"netns"`
	Saddr string `json:"saddr"`
	Low   uint16 `json:"low"`
	High  uint16 `json:"high"`
	Open  int    `json:"open"` // ports with an open socket; the others are in TIME_WAIT
}

// ancestor is a process from which another one descends.
type ancestor struct {
	PID       uint32 `json:"pid"`
	StartTime string `json:"start_time"`
	Comm      string `json:"comm"`
	Script    string `json:"script"`
}

func newAncestor(a *event.Ancestor, clock event.Clock) ancestor {
	return ancestor{a.ID.PID, formatTime(clock.StartTime(a.ID)), a.Comm, a.Script}
}

// pair is the connections of one process to one destination.
type pair struct {
	remote
	counts
}

func newProcess(p *snapshot.Process, clock event.Clock) process {
	out := process{
		identity: newIdentity(&p.Info, clock), CommandLine: p.Info.CommandLine,
		Ancestors: convert(p.Info.Ancestors, func(a *event.Ancestor) ancestor { return newAncestor(a, clock) }),
		counts:    newCounts(&p.Totals), rates: newRates(p.Rates),
		First: formatTime(p.First), Last: formatTime(p.Last), EarlyBinds: p.EarlyBinds,
		Destinations: convert(p.Destinations, newPair),
	}
	if p.Files != nil {
		out.OpenFiles, out.FileLimit = &p.Files.Open, &p.Files.Limit
	}
	if own := p.OwnPorts; own != nil {
		out.OwnPorts = &ownPorts{own.Netns, own.Local.String(), own.Low, own.High, own.Open}
	}
	return out
}

func newPair(p *snapshot.Pair) pair {
	return pair{newRemote(p.Netns, p.NetnsName, p.NetnsGone, p.Proto, p.Remote), newCounts(&p.Totals)}
}

type destination struct {
	remote
	counts
	rates
	First     string   `json:"first"`
	Last      string   `json:"last"`
	Processes []client `json:"processes"`
}

// client is the connections of one process to the destination.
type client struct {
	PID     uint32 `json:"pid"`
	Comm    string `json:"comm"`
	Program string `json:"program"`
	counts
}

func newDestination(d *snapshot.Destination) destination {
	return destination{
		remote: newRemote(d.Netns, d.NetnsName, d.NetnsGone, d.Proto, d.Remote),
		counts: newCounts(&d.Totals), rates: newRates(d.Rates), First: formatTime(d.First), Last: formatTime(d.Last),
		Processes: convert(d.Processes, func(q *snapshot.Pair) client {
			p := q.Process()
			return client{PID: q.Proc.PID, Comm: q.Comm, Program: p.Program(), counts: newCounts(&q.Totals)}
		}),
	}
}
