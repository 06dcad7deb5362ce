package export

import "github.com/porttrace/porttrace/internal/event"

// common has the fields of every event in JSON and CSV, empty if unknown.
type common struct {
	Time      string  `json:"time"`
	Kind      string  `json:"kind"`
	PID       uint32  `json:"pid"`
	PPID      uint32  `json:"ppid"`
	StartTime string  `json:"start_time"`
	Comm      string  `json:"comm"`
	Exe       string  `json:"exe"`
	Container string  `json:"container"`
	Unit      string  `json:"unit"`
	UID       *uint32 `json:"uid"` // null if unknown: 0 is root
	Netns     uint32  `json:"netns"`
	NetnsName string  `json:"netns_name"`
	Cookie    uint64  `json:"cookie"`
	Direction string  `json:"direction"`
	Family    int     `json:"family"`
	Proto     string  `json:"proto"`
	Saddr     string  `json:"saddr"`
	Sport     uint16  `json:"sport"`
	Daddr     string  `json:"daddr"`
	Dport     uint16  `json:"dport"`
}

// record is an event of a socket, with further fields if they apply to its kind.
type record struct {
	common

	Errno        string   `json:"errno,omitempty"`
	Op           string   `json:"op,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	TimeWait     *bool    `json:"time_wait,omitempty"`
	FinWait2     *bool    `json:"fin_wait2,omitempty"`
	ClosedBy     string   `json:"closed_by,omitempty"`
	ResetBy      string   `json:"reset_by,omitempty"`
	DurationUS   *uint64  `json:"duration_us,omitempty"`
	CloseWaitUS  *uint64  `json:"close_wait_us,omitempty"`
	PortSearchNS *uint64  `json:"port_search_ns,omitempty"`
	EarlyBind    *bool    `json:"early_bind,omitempty"`
	Reused       *bool    `json:"reused,omitempty"`
	Inferred     []string `json:"inferred,omitempty"`
	Count        uint64   `json:"count,omitempty"`
	First        string   `json:"first,omitempty"`
	Last         string   `json:"last,omitempty"`
	// Of the kind folded.
	Opens           *uint64 `json:"opens,omitempty"`
	Closes          *uint64 `json:"closes,omitempty"`
	Binds           *uint64 `json:"binds,omitempty"`
	TimeWaitEntered *uint64 `json:"time_wait_entered,omitempty"`
	SynsUnanswered  *uint64 `json:"syns_unanswered,omitempty"`

	// Of connect_fail.
	Holder     *holder `json:"holder,omitempty"`     // of port_taken, tuple_taken: what is in the way
	BoundPort  uint16  `json:"bound_port,omitempty"` // that a connect() without an open could not use
	Unanswered *bool   `json:"unanswered,omitempty"` // of given_up: the SYN was retransmitted

	Program string `json:"program,omitempty"` // the name that users give it: of the script, else of the process
	Script  string `json:"script,omitempty"`  // what an interpreter runs, as its command line names it

	Limit uint64 `json:"limit,omitempty"` // of detail_limited: events a second; last is set once it has ended

	Pod           string `json:"pod,omitempty"`
	PodNamespace  string `json:"pod_namespace,omitempty"`
	ContainerName string `json:"container_name,omitempty"`
}

const nsPerUS = 1000

func newCommon(e *event.Event, c Context) common {
	out := common{
		Time: formatTime(c.Clock.WallTime(e.Time)), Kind: e.Kind.String(),
		PID: e.Proc.PID, StartTime: formatTime(c.Clock.StartTime(e.Proc)),
		Netns: e.Netns, NetnsName: c.Netns, Cookie: e.Cookie,
		Direction: e.Direction.String(), Family: e.Family(), Proto: e.Proto.String(),
		Saddr: localAddr(e), Sport: e.Src.Port, Daddr: e.Dst.Host(), Dport: e.Dst.Port,
	}
	if p := c.Process; p != nil {
		out.PPID, out.UID = p.PPID, &p.UID
		out.Comm, out.Exe, out.Container, out.Unit = p.Comm, p.Exe, p.Container, p.Unit
	}
	return out
}

func newRecord(e *event.Event, c Context) record {
	r := record{
		common: newCommon(e, c),
		Errno:  e.Errno.String(), Op: e.Op.String(), Reason: e.Reason.String(), Inferred: e.Inferred.Names(),
	}
	switch e.Kind {
	case event.Open:
		r.addOpen(e)
	case event.Close:
		r.addClose(e)
	case event.ConnectFail:
		r.addConnectFail(e)
	}
	if p := c.Process; p != nil {
		r.Program, r.Script = p.Program(), p.Script
		r.PodNamespace, r.Pod, r.ContainerName = p.Pod.Namespace(), p.Pod.Name(), p.Pod.Container()
	}
	r.Holder = newHolder(e, c)
	switch f, folded := e.Fact.(*event.Fold); {
	case folded:
		r.addFold(e, f, c)
	case e.Kind == event.DetailLimited:
		r.Limit, r.First = e.Count, formatTime(c.Clock.WallTime(e.First))
		if e.Last != 0 {
			r.Last = formatTime(c.Clock.WallTime(e.Last))
		}
	case e.Kind == event.EventsLost:
		r.Count, r.Family = e.Count, 0
	case e.Count > 1:
		r.Count = e.Count
		r.First, r.Last = formatTime(c.Clock.WallTime(e.First)), formatTime(c.Clock.WallTime(e.Last))
	}
	return r
}

func (r *record) addOpen(e *event.Event) {
	r.EarlyBind, r.Reused = has(e, event.EarlyBind), has(e, event.Reused)
	if e.PortSearch > 0 {
		r.PortSearchNS = &e.PortSearch
	}
}

func (r *record) addClose(e *event.Event) {
	r.TimeWait, r.FinWait2 = has(e, event.TimeWait), has(e, event.FinWait2)
	r.ClosedBy, r.ResetBy = e.ClosedBy.String(), e.ResetBy.String()
	duration := e.Duration / nsPerUS
	r.DurationUS = &duration
	if e.Flags.Has(event.InCloseWait) || e.CloseWait > 0 {
		closeWait := e.CloseWait / nsPerUS
		r.CloseWaitUS = &closeWait
	}
}

// addConnectFail names the port of a bound socket whose connect() failed before its SYN, so
// that sport is set only if the failure ends an open.
func (r *record) addConnectFail(e *event.Event) {
	if !e.Flags.Has(event.HadPort) {
		r.Sport, r.BoundPort = 0, e.Src.Port
	}
	if e.Reason == event.GivenUp {
		r.Unanswered = has(e, event.Unanswered)
	}
}

func has(e *event.Event, bit event.Flags) *bool {
	set := e.Flags.Has(bit)
	return &set
}

// localAddr returns the local address. That of a bind is its argument, hence known.
func localAddr(e *event.Event) string {
	if bound(e) {
		return e.Src.Addr.String()
	}
	return e.Src.Host()
}

// bound reports whether the local end is the argument of the call.
func bound(e *event.Event) bool { return e.Kind == event.Bind || e.Kind == event.BindFail }
