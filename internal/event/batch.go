package event

// Batch is the next piece of a stream, as a source returns it.
type Batch struct {
	Events []Event // valid until the source's next Read
	Now    Time    // the stream is complete up to here; the parts of a batch that was split have the same Now

	// Scanning says that a scan of all sockets was running while the events happened: what
	// it found at their ports can be outdated. Scan is the result if it is done by Now, valid
	// until the next Read. A recording has no scans: it has the differences as events.
	Scanning bool
	Scan     *Scan
}

// Span is one piece of a recording and what happened in it. Spans follow each other in
// time.
type Span struct {
	Begin, End Time
	Opens      uint64
	Closes     uint64
	Failures   uint64
	Damaged    bool // it cannot be read
}

// Scan is the raw result of one pass over all sockets of some network namespaces. The owner
// of the socket table compares the two.
type Scan struct {
	At    Time // when it ended; the stream holds everything that happened before
	Netns []NetnsScan
}

// NetnsScan is the part of a Scan in one namespace.
type NetnsScan struct {
	Census    Census
	Ports     PortRange // the scan was limited to this range; zero: it was not
	Sockets   FoundList
	Listeners map[uint16]ProcID // of accepted connections: the process that listens, by port
	Truncated bool              // there were more sockets
	LeftOut   int               // how many more; 0: not known
	Gone      bool              // the namespace does not exist any more, and none of its sockets
}
