package aggregate

import "github.com/porttrace/porttrace/internal/event"

// scope is what the filter selects, as far as the kernel's counts of whole namespaces have
// to know it: those name no process and no destination.
type scope struct {
	selectsNetns func(inode uint32) bool
	seen         map[uint32]*netnsScope
	last         uint32 // the namespace of the event before, mostly that of the next
	lastSeen     *netnsScope
	filtered     bool   // something was left out
	events       uint64 // selected ones that were delivered one by one
}

// netnsScope is what was seen in a namespace: something that is selected, something that is
// left out.
type netnsScope struct{ selected, left bool }

func newScope() scope {
	return scope{selectsNetns: func(uint32) bool { return true }, seen: map[uint32]*netnsScope{}}
}

// SelectNetns sets which namespaces the filter can select something in.
func (s *State) SelectNetns(selects func(inode uint32) bool) { s.scope.selectsNetns = selects }

// add takes an event of a socket.
func (s *scope) add(e *event.Event) {
	if s.lastSeen == nil || s.last != e.Netns {
		s.last, s.lastSeen = e.Netns, s.seen[e.Netns]
		if s.lastSeen == nil {
			s.lastSeen = &netnsScope{}
			s.seen[e.Netns] = s.lastSeen
		}
	}
	if e.Flags.Has(event.NotSelected) {
		s.lastSeen.left, s.filtered = true, true
		return
	}
	s.lastSeen.selected = true
	if e.Kind != event.Folded && e.Kind != event.SocketFound && e.First == 0 {
		s.events++
	}
}

// whole reports whether all of a namespace is selected, so that its counts are the filter's.
func (s *scope) whole(inode uint32) bool {
	seen := s.seen[inode]
	return s.selectsNetns(inode) && (seen == nil || !seen.left)
}

// part reports whether something of the namespace is or may be selected.
func (s *scope) part(inode uint32) bool {
	seen := s.seen[inode]
	return s.selectsNetns(inode) && (seen == nil || seen.selected || !seen.left)
}

// forget drops a namespace that is gone.
func (s *scope) forget(inode uint32) {
	delete(s.seen, inode)
	s.lastSeen = nil
}
