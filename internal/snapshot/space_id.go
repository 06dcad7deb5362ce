package snapshot

import (
	"bytes"
	"cmp"

	"github.com/porttrace/porttrace/internal/event"
)

// SpaceID identifies a PortSpace from one snapshot to the next, and between live and replay.
type SpaceID struct {
	Kind   SpaceKind
	Netns  uint32
	Proto  event.Proto
	Local  event.Addr
	Remote event.Endpoint
	Device uint32
	// Range is zero unless the sockets have set it: that of a namespace can change, and the space
	// is still the same.
	Range event.PortRange
}

// ID returns what identifies the space.
func (s *PortSpace) ID() SpaceID {
	id := SpaceID{Kind: s.Kind, Netns: s.Netns, Proto: s.Proto, Local: s.Local, Remote: s.Remote, Device: s.Device}
	if s.PerSocketRange {
		id.Range = s.Range
	}
	return id
}

// Compare orders spaces by namespace, remote end, local address, and what else distinguishes them.
func (id SpaceID) Compare(other SpaceID) int {
	return cmp.Or(
		cmp.Compare(id.Netns, other.Netns),
		bytes.Compare(id.Remote.Addr[:], other.Remote.Addr[:]), cmp.Compare(id.Remote.Port, other.Remote.Port),
		bytes.Compare(id.Local[:], other.Local[:]), cmp.Compare(id.Device, other.Device),
		id.Range.Compare(other.Range), cmp.Compare(id.Proto, other.Proto), cmp.Compare(id.Kind, other.Kind),
	)
}

// Space returns the space with that ID, nil if there is none.
func (s *Snapshot) Space(id SpaceID) *PortSpace {
	for i := range s.PortSpaces {
		if s.PortSpaces[i].ID() == id {
			return &s.PortSpaces[i]
		}
	}
	return nil
}
