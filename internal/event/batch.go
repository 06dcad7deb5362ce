package event

// Batch is the next piece of a stream, as a source returns it.
type Batch struct {
	Events []Event // valid until the source's next Read
	Now    Time    // the stream is complete up to here; the parts of a batch that was split have the same Now

	// Scanning says that a scan of all sockets was running while the events happened: what
	// it says of their ports can be outdated. Scan is the result if it is done by Now, valid
	// until the next Read. A recording has none: it holds the differences as events.
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

// Scan is what a pass over all sockets of some network namespaces has found, raw: whoever
// keeps the table of sockets compares it with that.
type Scan struct {
	At    Time // when it ended; the stream holds everything that happened before
	Netns []NetnsScan
}

// NetnsScan is what a Scan has found in one namespace.
type NetnsScan struct {
	Census    Census
	Ports     PortRange // to which the scan was confined; zero: it was not
	Sockets   []Event   // of the kind SocketFound
	Truncated bool      // there were more sockets
	Gone      bool      // the namespace does not exist any more, and none of its sockets
}
