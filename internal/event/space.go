package event

// SpaceState is how full a connect space is. It has hysteresis: a space that was high or
// full is not ok at the next port that comes free.
type SpaceState uint8

const (
	SpaceOK   SpaceState = iota
	SpaceHigh            // nearly full
	SpaceFull            // no port is left
)

// String is the name used in output.
func (s SpaceState) String() string { return [...]string{"ok", "high", "full"}[s] }

// SpaceUse is a connect space that has come to another state: the one between the
// event's Src.Addr and its Dst. Proc holds most of its ports.
type SpaceUse struct {
	State    SpaceState
	Capacity int // ports of the range that are not reserved
	Live     int // held by connections
	TimeWait int // held by TIME_WAIT buckets
	Bound    int // not in the above: owned by a bind()
	Reusable int // of TimeWait: what tcp_tw_reuse would hand out now
}

// InUse is the number of ports that connect() cannot take as free ones.
func (u *SpaceUse) InUse() int { return u.Live + u.TimeWait + u.Bound }

// Headroom is the number of ports left, without those that could be reused.
func (u *SpaceUse) Headroom() int { return u.Capacity - u.InUse() }

// Taken is how many ports the next connect() cannot have.
func (u *SpaceUse) Taken() int { return u.InUse() - u.Reusable }
