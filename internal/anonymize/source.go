package anonymize

import (
	"context"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
)

// reader is a stream of events, as the pipeline's Source.
type reader interface {
	Read(ctx context.Context) (event.Batch, error)
}

// Source is a stream of which others may know everything.
type Source struct {
	*Anonymizer
	from reader
	// originals are the processes as they were, for filters; nil without any.
	originals *event.World
}

// Source returns the anonymous stream of another one, and the filter of it that selects what f
// selects of the other: a user filters by the names and addresses that she knows.
func (a *Anonymizer) Source(from reader, f *filter.Filter) (*Source, *filter.Filter) {
	s := &Source{Anonymizer: a, from: from}
	if f == nil {
		return s, nil
	}
	s.originals = &event.World{}
	return s, f.On(s.before)
}

// Read returns the next piece. It changes the events of the other stream's piece.
func (s *Source) Read(ctx context.Context) (event.Batch, error) {
	batch, err := s.from.Read(ctx)
	for i := range batch.Events {
		e := &batch.Events[i]
		if s.originals != nil {
			s.originals.Apply(e)
		}
		s.hide(e)
	}
	batch.Scan = s.scan(batch.Scan)
	return batch, err
}

// before returns what an event and its process were.
func (s *Source) before(e *event.Event, p *event.Process) (*event.Event, *event.Process) {
	original := *e
	original.Src.Addr, original.Dst.Addr = s.original(e.Src.Addr), s.original(e.Dst.Addr)
	if p != nil {
		p = s.originals.Process(p.ID)
	}
	return &original, p
}
