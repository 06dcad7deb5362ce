package pipeline

import (
	"iter"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// Head gives the events with which a stream begins that begins in the middle of a run. It is for
// the run's AfterBatch, and needs Options.Scans or a run with rows.
type Head struct{ run *run }

// Each calls put with what the run knows after the batch: the facts of host and namespaces, and
// every socket as the first scan of a trace finds it, from before its start. The Tee sees what
// follows, so that a reader of both is as right as one of the whole stream. Each returns the first
// error of put.
//
// Processes are not described: a stream that begins here must repeat the facts of each before
// the first event that names it, as record.Segment does.
func (h *Head) Each(put Tee) error {
	if h.run == nil {
		return nil
	}
	return h.run.state.EachHead(h.run.now, put)
}

// EachHead is Each at a moment, at or after the last event. It changes nothing: a run goes on as
// if it were not recorded.
func (s *State) EachHead(at event.Time, put Tee) error {
	err := s.putHead(slices.Values(s.headFacts(at)), put)
	if s.table == nil || err != nil {
		return err
	}
	for _, inode := range s.existing() {
		if err := s.putHead(s.table.Head(inode, at), put); err != nil {
			return err
		}
	}
	return nil
}

// headFacts returns the facts of host and namespaces. The table knows settings that a later fact
// of the world lacks, as they could not be read any more.
func (s *State) headFacts(at event.Time) []event.Event {
	facts := s.world.AppendFacts(nil, at)
	for i := range facts {
		if fact, ok := facts[i].Fact.(*event.Netns); ok && s.table != nil {
			known := s.table.Netns(fact.Inode).Fact()
			facts[i].Fact = &known
		}
	}
	return facts
}

// existing returns the namespaces of the table, sorted, without those that exist no more.
func (s *State) existing() []uint32 {
	var inodes []uint32
	s.table.EachNetns(func(n *portspace.Netns) {
		if fact := n.Fact(); !fact.Gone {
			inodes = append(inodes, fact.Inode)
		}
	})
	slices.Sort(inodes)
	return inodes
}

func (s *State) putHead(events iter.Seq[event.Event], put Tee) error {
	var e event.Event
	for e = range events {
		s.markNotSelected(&e)
		if err := put(&e, &s.world); err != nil {
			return err
		}
	}
	return nil
}
