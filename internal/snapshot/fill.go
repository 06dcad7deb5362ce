package snapshot

// FillPoint is how full a port space was at the end of one second.
type FillPoint struct {
	Capacity uint16 // ports of the range that are not reserved; 0: it is not known how full it was
	InUse    uint16
	TimeWait uint16 // of InUse
	Reusable uint16 // of TimeWait: tcp_tw_reuse would have allocated them
	// Exhausted is how many calls found no port in that second.
	Exhausted uint32
}

// Known reports whether it is known how full the space was.
func (p FillPoint) Known() bool { return p.Capacity > 0 }

// TakenShare returns the share of the capacity that the next call could not have had, 0 if that
// is not known.
func (p FillPoint) TakenShare() float64 {
	if p.Capacity == 0 {
		return 0
	}
	return float64(max(int(p.InUse)-int(p.Reusable), 0)) / float64(p.Capacity)
}

// InUseShare returns InUse as a share of the capacity, 0 if that is not known.
func (p FillPoint) InUseShare() float64 {
	if p.Capacity == 0 {
		return 0
	}
	return float64(p.InUse) / float64(p.Capacity)
}

// WorstPoint is how full the fullest port space was at the end of one second, of those that are
// listed and that programs allocate from.
type WorstPoint struct {
	Known bool    // false: a part of the stream is missing
	Share float64 // its TakenShare
	// Exhausted is how many calls of selected processes found no port in that second.
	Exhausted uint32
}

// SocketPoint is how many sockets there were at the end of one second: of those that Totals
// counts, by the same names.
type SocketPoint struct {
	Known     bool // false: a part of the stream is missing
	Open      uint32
	SynSent   uint32
	CloseWait uint32
	TimeWait  uint32 // of outgoing connections
}
