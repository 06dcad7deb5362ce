package event

// Batch is the next piece of a stream, as a source returns it.
type Batch struct {
	Events []Event // valid until the source's next Read
	Now    Time    // the stream is complete up to here; the parts of a batch that was split have the same Now
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
