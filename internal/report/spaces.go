package report

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// space is a port space and its occupancy. Its figures count ports, each once, whatever a
// filter selects. If the range is unknown, capacity and headroom are null and no port is
// counted.
type space struct {
	Kind      snapshot.SpaceKind `json:"kind"` // connect, bind
	Netns     uint32             `json:"netns"`
	NetnsName string             `json:"netns_name"`
	NetnsGone bool               `json:"netns_gone"`
	Family    int                `json:"family"`
	Proto     string             `json:"proto"`
	Saddr     string             `json:"saddr"` // of a bind space: the argument of bind(), 0.0.0.0 is any
	Daddr     string             `json:"daddr"` // empty for a bind space
	Dport     uint16             `json:"dport"`
	Device    uint32             `json:"device"` // the interface that its sockets are bound to, 0: none
	RangeLow  uint16             `json:"range_low"`
	RangeHigh uint16             `json:"range_high"`       // 0: unknown
	PerSocket bool               `json:"per_socket_range"` // the range is set by IP_LOCAL_PORT_RANGE, not by the namespace

	Capacity  *int   `json:"capacity"`
	InUse     int    `json:"in_use"`
	Live      int    `json:"live"`
	SynSent   int    `json:"syn_sent"`
	CloseWait int    `json:"close_wait"`
	TimeWait  int    `json:"time_wait"`
	FinWait2  int    `json:"fin_wait2"` // of time_wait: the bucket of a closed connection that waits for the peer's FIN
	Bound     int    `json:"bound"`
	Headroom  *int   `json:"headroom"`
	Reusable  int    `json:"reusable"`           // of time_wait: tcp_tw_reuse would reuse them now
	Unstamped int    `json:"without_timestamps"` // of time_wait: tcp_tw_reuse applies, but without TCP timestamps they are never reused
	Peak      int    `json:"peak"`
	PeakAt    string `json:"peak_at"`
	FullSince string `json:"full_since"` // empty while a port is left

	// TimeWaitExpiring is the number of ports of time_wait, without reusable, that expire
	// within each of the next seconds. It is empty for bind spaces and those far from the fullest.
	TimeWaitExpiring []int `json:"time_wait_expiring"`

	Opens            uint64   `json:"opens"`
	OpenRate         float64  `json:"open_rate"`
	WantedRate       float64  `json:"wanted_rate"`       // open_rate, and the calls that found no port
	SustainableRate  *float64 `json:"sustainable_rate"`  // null: unknown, or ports are not the limit
	SustainableRough bool     `json:"sustainable_rough"` // too few connections have ended: capacity / TIME_WAIT length
	TextbookRate     *float64 `json:"textbook_rate"`     // capacity / how long a TIME_WAIT lives
	forecast

	Exhausted         uint64   `json:"exhausted"` // calls that found no port
	ExhaustionRate    float64  `json:"exhaustion_rate"`
	LastExhausted     string   `json:"last_exhausted"`
	ExhaustedSince    string   `json:"exhausted_since"` // since when calls find no port, with pauses of ten seconds at most
	SearchP50US       *float64 `json:"search_p50_us"`   // null: not measured
	SearchP99US       *float64 `json:"search_p99_us"`
	SecondParityShare float64  `json:"second_parity_share"` // of the newest opens: their ports are of the parity that connect() tries last

	Holders      []holder `json:"holders"`
	OtherHolders *ports   `json:"other_holders"` // the rest in one, null when all are listed
	Victims      []victim `json:"victims"`

	// The same by program, of all processes.
	HolderPrograms []holderProgram `json:"holders_by_program"`
	OtherPrograms  *ports          `json:"other_holders_by_program"` // the rest in one, null when all are listed
	VictimPrograms []victimProgram `json:"victims_by_program"`
}

// forecast is when a space will be full. Without a forecast eta_model is unknown.
type forecast struct {
	ETASeconds     *float64 `json:"eta_seconds"`     // null: never; 0: now
	ETALowSeconds  *float64 `json:"eta_low_seconds"` // also if eta_seconds is null: at the upper bound of the rate it fills
	ETAHighSeconds *float64 `json:"eta_high_seconds"`
	ETAModel       string   `json:"eta_model"`
}

// unknownModel distinguishes no forecast from one of never.
const unknownModel = "unknown"

func newForecast(f snapshot.Forecast) forecast {
	switch {
	case !f.Known:
		return forecast{ETAModel: unknownModel}
	case f.Never:
		return forecast{ETALowSeconds: known(f.Low.Seconds()), ETAModel: f.Model}
	}
	return forecast{
		ETASeconds: seconds(f.ETA), ETALowSeconds: seconds(f.Low), ETAHighSeconds: seconds(f.High), ETAModel: f.Model,
	}
}

// seconds returns null for never.
func seconds(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}

// ports are counts of ports by the state of the sockets that hold them.
type ports struct {
	Ports       int `json:"ports"`
	Live        int `json:"live"`
	CloseWait   int `json:"close_wait"` // of live
	TimeWait    int `json:"time_wait"`
	Bound       int `json:"bound"`
	BeforeStart int `json:"before_start"` // of all of these: held by sockets older than the trace
}

// holder is a process that holds ports, unknown if all its sockets are from before start.
type holder struct {
	identity
	ports
}

// victim is a process whose calls found no port.
type victim struct {
	identity
	Failures uint64 `json:"failures"`
	Last     string `json:"last"`
}

func newSpace(s *snapshot.PortSpace, clock event.Clock) space {
	out := space{
		Kind: s.Kind, Netns: s.Netns, NetnsName: s.NetnsName, NetnsGone: s.NetnsGone, Family: spaceFamily(s), Proto: s.Proto.String(),
		Saddr: localAddr(s), Daddr: s.Remote.Host(), Dport: s.Remote.Port, Device: s.Device,
		RangeLow: s.Range.Low, RangeHigh: s.Range.High, PerSocket: s.PerSocketRange,
		InUse: s.InUse(), Live: s.Live, SynSent: s.SynSent, CloseWait: s.CloseWait, TimeWait: s.TimeWait, FinWait2: s.FinWait2, Bound: s.Bound,
		Reusable: s.Reusable, Unstamped: s.Unstamped, Peak: s.Peak, PeakAt: formatTime(s.PeakAt), FullSince: formatTime(s.FullSince),
		TimeWaitExpiring: append([]int{}, s.Expiring...),
		Opens:            s.Opens, OpenRate: s.OpenRate, WantedRate: s.Wanted, SustainableRate: known(s.Sustainable), SustainableRough: s.SustainableRough, TextbookRate: known(s.Textbook),
		forecast:  newForecast(s.Outlook()),
		Exhausted: s.Exhausted, ExhaustionRate: s.ExhaustionRate, LastExhausted: formatTime(s.LastExhausted), ExhaustedSince: formatTime(s.ExhaustedSince),
		SearchP50US: known(microseconds(s.SearchP50)), SearchP99US: known(microseconds(s.SearchP99)),
		SecondParityShare: s.SecondParity,
		Holders:           convert(s.Holders, func(h *snapshot.Holder) holder { return holder{newIdentity(&h.Proc, clock), newPorts(&h.HeldCount)} }),
		Victims:           convert(s.Victims, func(v *snapshot.Victim) victim { return newVictim(v, clock) }),
	}
	if s.Capacity > 0 {
		room := s.Headroom()
		out.Capacity, out.Headroom = &s.Capacity, &room
	}
	addPrograms(&out, s)
	if s.OtherHolders.Ports() > 0 {
		others := newPorts(&s.OtherHolders)
		out.OtherHolders = &others
	}
	return out
}

// known returns null for a value that is unknown.
func known(value float64) *float64 {
	if value <= 0 {
		return nil
	}
	return &value
}

// microseconds returns decimals too: a search can take less than one.
func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// localAddr returns the local address, empty if unknown. Of a bind space the unspecified
// address is what the program asked for.
func localAddr(s *snapshot.PortSpace) string {
	if s.Kind != snapshot.BindSpace && s.Local.IP().IsUnspecified() {
		return ""
	}
	return s.Local.String()
}

func spaceFamily(s *snapshot.PortSpace) int {
	e := event.Event{Src: event.Endpoint{Addr: s.Local}, Dst: s.Remote}
	return e.Family()
}

func newPorts(h *snapshot.HeldCount) ports {
	return ports{
		Ports: h.Ports(), Live: h.Live, CloseWait: h.CloseWait, TimeWait: h.TimeWait, Bound: h.Bound, BeforeStart: h.Before,
	}
}

func newVictim(v *snapshot.Victim, clock event.Clock) victim {
	return victim{identity: newIdentity(&v.Proc, clock), Failures: v.Failures, Last: formatTime(v.Last)}
}
