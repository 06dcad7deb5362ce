package report

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// space is a set of ports and what occupies it. Its figures count ports, each once,
// whatever a filter selects. Where the range is not known, capacity and headroom are null
// and nothing is counted.
type space struct {
	Kind      snapshot.SpaceKind `json:"kind"` // connect, bind
	Netns     uint32             `json:"netns"`
	NetnsName string             `json:"netns_name"`
	Family    int                `json:"family"`
	Proto     string             `json:"proto"`
	Saddr     string             `json:"saddr"` // of a bind space: as the bind() asked for it, 0.0.0.0 is any
	Daddr     string             `json:"daddr"` // empty of a bind space
	Dport     uint16             `json:"dport"`
	Device    uint32             `json:"device"` // the interface that its sockets are bound to, 0: none
	RangeLow  uint16             `json:"range_low"`
	RangeHigh uint16             `json:"range_high"` // 0: the range is not known
	OwnRange  bool               `json:"own_range"`  // it is that of the sockets, not of the namespace

	Capacity  *int   `json:"capacity"`
	InUse     int    `json:"in_use"`
	Live      int    `json:"live"`
	SynSent   int    `json:"syn_sent"`
	CloseWait int    `json:"close_wait"`
	TimeWait  int    `json:"time_wait"`
	Bound     int    `json:"bound"`
	Headroom  *int   `json:"headroom"`
	Reusable  int    `json:"reusable"` // of time_wait: tcp_tw_reuse would hand them out now
	Peak      int    `json:"peak"`
	PeakAt    string `json:"peak_at"`
	FullSince string `json:"full_since"` // empty while a port is left

	// TimeWaitEnds is how many of time_wait without reusable come free within each of the next
	// seconds. It is empty for spaces far from the fullest, and those of bind().
	TimeWaitEnds []int `json:"time_wait_ends"`

	Opens           uint64   `json:"opens"`
	OpenRate        float64  `json:"open_rate"`
	SustainableRate *float64 `json:"sustainable_rate"` // null: not known
	TextbookRate    *float64 `json:"textbook_rate"`    // capacity / 60 s
	forecast

	Exhausted       uint64   `json:"exhausted"` // calls that found no port
	ExhaustionRate  float64  `json:"exhaustion_rate"`
	LastExhausted   string   `json:"last_exhausted"`
	SearchP50US     *float64 `json:"search_p50_us"` // null: not measured
	SearchP99US     *float64 `json:"search_p99_us"`
	SecondHalfShare float64  `json:"second_half_share"`

	Holders      []holder `json:"holders"`
	OtherHolders *ports   `json:"other_holders"` // the rest in one, null when all are listed
	Victims      []victim `json:"victims"`
}

// forecast is when a space will be full. Where nothing can be said eta_model is unknown.
type forecast struct {
	ETASeconds     *float64 `json:"eta_seconds"`     // null: never; 0: now
	ETALowSeconds  *float64 `json:"eta_low_seconds"` // also of never: a rate within the error of this one fills it
	ETAHighSeconds *float64 `json:"eta_high_seconds"`
	ETAModel       string   `json:"eta_model"`
}

// unknownModel tells a forecast that is not there from one that says never.
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

// seconds is null for never.
func seconds(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}

// ports is how many are held, by the state of what holds them.
type ports struct {
	Ports       int `json:"ports"`
	Live        int `json:"live"`
	CloseWait   int `json:"close_wait"` // of live
	TimeWait    int `json:"time_wait"`
	Bound       int `json:"bound"`
	BeforeStart int `json:"before_start"` // of all of these: by sockets that are older than the trace
}

// holder is a process that holds ports; unknown where these are from before the start.
type holder struct {
	identity
	ports
}

// victim is a process that found no port.
type victim struct {
	identity
	Failures uint64 `json:"failures"`
	Last     string `json:"last"`
}

func newSpace(s *snapshot.PortSpace, clock event.Clock) space {
	out := space{
		Kind: s.Kind, Netns: s.Netns, NetnsName: s.NetnsName, Family: spaceFamily(s), Proto: s.Proto.String(),
		Saddr: localAddr(s), Daddr: s.Remote.Host(), Dport: s.Remote.Port, Device: s.Device,
		RangeLow: s.Range.Low, RangeHigh: s.Range.High, OwnRange: s.OwnRange,
		InUse: s.InUse(), Live: s.Live, SynSent: s.SynSent, CloseWait: s.CloseWait, TimeWait: s.TimeWait, Bound: s.Bound,
		Reusable: s.Reusable, Peak: s.Peak, PeakAt: formatTime(s.PeakAt), FullSince: formatTime(s.Full),
		TimeWaitEnds: append([]int{}, s.Expiring...),
		Opens:        s.Opens, OpenRate: s.OpenRate, SustainableRate: known(s.Sustainable), TextbookRate: known(s.Textbook),
		forecast:  newForecast(s.Outlook()),
		Exhausted: s.Exhausted, ExhaustionRate: s.ExhaustionRate, LastExhausted: formatTime(s.LastExhausted),
		SearchP50US: known(microseconds(s.SearchP50)), SearchP99US: known(microseconds(s.SearchP99)),
		SecondHalfShare: s.SecondHalf,
		Holders:         convert(s.Holders, func(h *snapshot.Holder) holder { return holder{newIdentity(&h.Proc, clock), newPorts(h)} }),
		Victims:         convert(s.Victims, func(v *snapshot.Victim) victim { return newVictim(v, clock) }),
	}
	if s.Capacity > 0 {
		room := s.Headroom()
		out.Capacity, out.Headroom = &s.Capacity, &room
	}
	if s.OtherHolders.Ports() > 0 {
		others := newPorts(&s.OtherHolders)
		out.OtherHolders = &others
	}
	return out
}

// known is null for what is not.
func known(value float64) *float64 {
	if value <= 0 {
		return nil
	}
	return &value
}

// microseconds has decimals: a search can take less than one.
func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// localAddr is empty where it is not known. A bind() asks for any address by its name.
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

func newPorts(h *snapshot.Holder) ports {
	return ports{
		Ports: h.Ports(), Live: h.Live, CloseWait: h.CloseWait, TimeWait: h.TimeWait, Bound: h.Bound, BeforeStart: h.Before,
	}
}

func newVictim(v *snapshot.Victim, clock event.Clock) victim {
	return victim{identity: newIdentity(&v.Proc, clock), Failures: v.Failures, Last: formatTime(v.Last)}
}
