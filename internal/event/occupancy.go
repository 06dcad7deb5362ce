package event

// Percentages of the capacity at which a port space changes its state. Those on the way
// down are lower: a space in steady use gains and loses a few ports all the time.
const (
	nearlyFullAbove = 80
	okBelow         = 70
	notFullBelow    = 90
)

// Occupancy is how full a port space is. The figures count ports of its range, each once.
type Occupancy struct {
	Capacity  int // ports of the range that are not reserved; 0: the range is not known
	Live      int // held by connections, from SYN_SENT to LAST_ACK
	SynSent   int // of Live: the SYN had to be sent again
	CloseWait int // of Live: the peer has closed, the owner has not
	TimeWait  int // held by TIME_WAIT buckets alone, FIN_WAIT2 ones included, also those of a bind() towards another end
	FinWait2  int // of TimeWait: the bucket waits for the peer's FIN, for tcp_fin_timeout
	Bound     int // not in the above: owned by a bind() whose socket is there, for whatever address
	Reusable  int // of TimeWait: tcp_tw_reuse would allocate them now
}

// InUse returns the number of ports that are not free.
func (o *Occupancy) InUse() int { return o.Live + o.TimeWait + o.Bound }

// Headroom returns the number of free ports, without those that could be reused.
func (o *Occupancy) Headroom() int { return o.Capacity - o.InUse() }

// Add adds the ports of another space, whose capacity says nothing of both.
func (o *Occupancy) Add(p *Occupancy) {
	o.Live += p.Live
	o.SynSent += p.SynSent
	o.CloseWait += p.CloseWait
	o.TimeWait += p.TimeWait
	o.FinWait2 += p.FinWait2
	o.Bound += p.Bound
	o.Reusable += p.Reusable
}

// Taken returns the number of ports that the next call cannot have. Ports that it would
// reuse are free in effect: a loopback space can be full of those and well.
func (o *Occupancy) Taken() int { return max(o.InUse()-o.Reusable, 0) }

// TakenShare returns Taken as a share of Capacity, 0 if that is not known.
func (o *Occupancy) TakenShare() float64 {
	if o.Capacity <= 0 {
		return 0
	}
	return float64(o.Taken()) / float64(o.Capacity)
}

// TakenPercent returns TakenShare in whole percents, 100 for a full space only. It counts
// with whole numbers: 29 of 50 are 58 %, and 57.99 when they are multiplied by 0.58.
func (o *Occupancy) TakenPercent() int {
	if o.Capacity <= 0 {
		return 0
	}
	return o.Taken() * 100 / o.Capacity
}

// IsFull reports whether the next call finds no port.
func (o *Occupancy) IsFull() bool { return o.Capacity > 0 && o.Taken() >= o.Capacity }

// IsNearlyFull reports whether more than 80 % are taken.
func (o *Occupancy) IsNearlyFull() bool {
	return o.Capacity > 0 && o.Taken()*100 > o.Capacity*nearlyFullAbove
}

// SpaceState is how full a port space is, with hysteresis: a space that was high or full is
// not ok again at the next port that is released.
type SpaceState uint8

const (
	SpaceOK   SpaceState = iota
	SpaceHigh            // nearly full
	SpaceFull            // no port is left
)

// String returns the name used in output.
func (s SpaceState) String() string { return [...]string{"ok", "high", "full"}[s] }

// StateAfter returns the state that follows the one before.
func (o *Occupancy) StateAfter(before SpaceState) SpaceState {
	percents := o.Taken() * 100
	switch {
	case o.Capacity <= 0:
		return SpaceOK
	case o.IsFull(), before == SpaceFull && percents >= o.Capacity*notFullBelow:
		return SpaceFull
	case o.IsNearlyFull(), before != SpaceOK && percents >= o.Capacity*okBelow:
		return SpaceHigh
	}
	return SpaceOK
}

// SpaceUse is the state that a connect space has entered: the space from the event's Src.Addr
// to its Dst. The event's Proc holds most of its ports.
type SpaceUse struct {
	State SpaceState
	Occupancy
}
