package tui

import (
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// spaceKey tells one port space from another.
type spaceKey struct {
	kind   snapshot.SpaceKind
	netns  uint32
	proto  event.Proto
	local  event.Addr
	remote event.Endpoint
	device uint32
	own    event.PortRange // zero unless the sockets have one of their own
}

func keyOfSpace(s *snapshot.PortSpace) spaceKey {
	key := spaceKey{kind: s.Kind, netns: s.Netns, proto: s.Proto, local: s.Local, remote: s.Remote, device: s.Device}
	if s.OwnRange {
		// That of a namespace can be changed, and the space is still the same.
		key.own = s.Range
	}
	return key
}

// spaces is the table of where ports can run out.
type spaces struct {
	table[snapshot.PortSpace, spaceKey]
	snapshot     *snapshot.Snapshot
	withoutNetns []column[snapshot.PortSpace]
	withNetns    []column[snapshot.PortSpace]
}

func newSpaces() *spaces {
	s := &spaces{}
	s.withoutNetns = ordered(s.newColumns(false), snapshot.SpaceColumns())
	s.withNetns = ordered(s.newColumns(true), snapshot.SpaceColumns())
	s.columns = s.withoutNetns
	s.order = "taken"
	s.key = keyOfSpace
	s.text = spaceText
	return s
}

func (s *spaces) set(snap *snapshot.Snapshot, filter string) {
	s.snapshot = snap
	s.columns = s.withoutNetns
	if several(snap.PortSpaces, func(row *snapshot.PortSpace) uint32 { return row.Netns }) {
		s.columns = s.withNetns
	}
	s.show(snap.PortSpaces, nil, filter, emptyNote(filter, len(snap.PortSpaces),
		"no port space was seen", snap.Elapsed,
		"a row appears for each local address and destination that ports are taken between"))
}

func (s *spaces) open() subject {
	row := s.current()
	if row == nil {
		return nil
	}
	return &spaceDetail{row: row, snapshot: s.snapshot}
}

// spaceName is LOCAL → REMOTE:PORT, or whose ports bind() hands out. The remote end tells
// more, so the local one is cut first.
func spaceName(s *snapshot.PortSpace, width int) string {
	if s.Kind == snapshot.BindSpace {
		return cut("bind() on "+localName(s), width)
	}
	const arrow, least = " → ", 2
	remote := remoteEnd(s.Proto, s.Remote, maxName)
	room := width - cells(arrow) - cells(remote)
	if room < least {
		room = least
		remote = remoteEnd(s.Proto, s.Remote, max(width-cells(arrow)-least, 1))
	}
	return cut(localName(s), room) + arrow + remote
}

// localName is the local address, with the interface as ss(8) writes it.
func localName(s *snapshot.PortSpace) string {
	name := s.Local.String()
	switch unspecified := s.Local.IP().IsUnspecified(); {
	case unspecified && s.Kind != snapshot.BindSpace:
		name = "?"
	case unspecified && s.Local.Is4():
		name = "any IPv4 address"
	case unspecified:
		name = "any address"
	}
	if s.Device != 0 {
		name += "%" + strconv.FormatUint(uint64(s.Device), 10)
	}
	return name
}

// spaceText is what a filter looks into: the space, who holds it and who gets nothing.
func spaceText(s *snapshot.PortSpace) string {
	words := []string{string(s.Kind), spaceName(s, 2*maxName), netns(s.NetnsName, s.Netns)}
	for i := range s.Holders {
		words = append(words, identity(&s.Holders[i].Proc))
	}
	for i := range s.Victims {
		words = append(words, identity(&s.Victims[i].Proc))
	}
	return printable.String(strings.Join(words, " "))
}

// culprit is who holds most of the ports, nil where nobody holds any.
func culprit(s *snapshot.PortSpace) *snapshot.Holder {
	if len(s.Holders) == 0 {
		return nil
	}
	return &s.Holders[0]
}

// holderName is a process, or what is known of sockets without one.
func holderName(h *snapshot.Holder, width int) string {
	if !h.Proc.ID.Known() && h.Before > 0 {
		return cut("(before start)", width)
	}
	return process(h.Proc.ID, h.Proc.Comm, width)
}
