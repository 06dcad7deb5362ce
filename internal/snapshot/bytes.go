package snapshot

import "reflect"

func sizeOf[T any]() int { return int(reflect.TypeFor[T]().Size()) }

var (
	processBytes, destinationBytes, pairBytes = sizeOf[Process](), sizeOf[Destination](), sizeOf[Pair]()
	pastBytes, pastPairBytes                  = sizeOf[Past](), sizeOf[PastPair]()
	failureBytes, programFailureBytes         = sizeOf[Failure](), sizeOf[ProgramFailure]()
	spaceBytes, holderBytes, sliceBytes       = sizeOf[PortSpace](), sizeOf[Holder](), sizeOf[PortSlice]()
	programHolderBytes                        = sizeOf[ProgramHolder]()
)

// Bytes returns about how much memory the snapshot takes: its rows and their lists. What it shares
// with the snapshots before it (texts, histories, lifetimes) does not count.
func (s *Snapshot) Bytes() int {
	n := len(s.Processes)*processBytes + len(s.Destinations)*destinationBytes + len(s.Pairs)*pairBytes +
		len(s.Past)*pastBytes + len(s.PastPairs)*pastPairBytes + len(s.Failures)*failureBytes + len(s.ProgramFailures)*programFailureBytes +
		len(s.PortSpaces)*spaceBytes
	for i := range s.Processes {
		n += listBytes(s.Processes[i].Destinations)
	}
	for i := range s.Destinations {
		n += listBytes(s.Destinations[i].Processes)
	}
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		n += len(p.Holders)*holderBytes + len(p.Programs)*programHolderBytes
		if p.Map != nil {
			n += len(p.Map.Slices) * sliceBytes
		}
	}
	return n
}

// listBytes returns what a list of pairs takes: one of a single pair is a part of Pairs.
func listBytes(list []Pair) int {
	if len(list) < 2 {
		return 0
	}
	return len(list) * pairBytes
}
