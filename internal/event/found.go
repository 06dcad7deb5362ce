package event

// FoundSocket is a socket or TIME_WAIT bucket that a scan has found: what distinguishes its
// SocketFound from those of the other sockets of the namespace.
type FoundSocket struct {
	Cookie      uint64
	Expiry      Time // of a bucket
	Proc        ProcID
	Src, Dst    Endpoint
	Device      uint32
	SocketRange PortRange
	Flags       Flags
	Inferred    Field
	State       State
	Direction   Direction
}

// Event returns the SocketFound of one of the sockets. Its time is that of the scan's end.
func (s *NetnsScan) Event(f *FoundSocket, ended Time) Event {
	e := Event{
		Time: ended, Kind: SocketFound, Direction: f.Direction, Proto: TCP, Flags: f.Flags, Inferred: f.Inferred, State: f.State, Device: f.Device,
		SocketRange: f.SocketRange, Netns: s.Census.Netns, Proc: f.Proc, Src: f.Src, Dst: f.Dst, Cookie: f.Cookie, Count: 1,
	}
	if f.Direction == In {
		e.Listener = s.Listeners[f.Src.Port]
	}
	if f.State == StateTimeWait {
		e.First, e.Last = s.Census.Began, f.Expiry
	}
	return e
}
