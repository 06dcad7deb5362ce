package aggregate

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// netnsRows are the network namespaces as rows name them. A row belongs to a namespace, not to
// its inode: that is given to another namespace as soon as it is free.
type netnsRows struct {
	current map[uint32]*netnsName
	ended   map[uint32]*netnsName // whose inode another has by now, by number
	made    uint32
	aged    int64 // the second in which those that are gone were aged last
	anyGone bool  // one of current is gone
}

// netnsName is what rows of a namespace show.
type netnsName struct {
	inode  uint32
	name   string
	cookie uint64
	gone   event.Time // since when it exists no more; 0: it does
}

func newNetnsRows() netnsRows {
	return netnsRows{current: map[uint32]*netnsName{}, ended: map[uint32]*netnsName{}}
}

// netnsOf returns the name of a destination's namespace, and whether it is gone.
func (s *State) netnsOf(key destKey) (name string, gone bool) {
	if key.ended != 0 {
		if n := s.netns.ended[key.ended]; n != nil {
			return n.name, true
		}
		return "", true
	}
	if n := s.netns.current[key.netns]; n != nil {
		return n.name, n.gone != 0
	}
	return s.world.Netns(key.netns).Name, false
}

// isGone reports whether the namespace that had the inode last exists no more.
func (s *State) isGone(inode uint32) bool {
	n := s.netns.current[inode]
	return n != nil && n.gone != 0
}

// takeNetns takes what is reported of a namespace.
func (s *State) takeNetns(fact *event.Netns) {
	n := s.netns.current[fact.Inode]
	if n != nil && n.isOther(fact) {
		s.retire(n)
		n = nil
	}
	if n == nil {
		n = &netnsName{inode: fact.Inode}
		s.netns.current[fact.Inode] = n
	}
	if fact.Name != "" {
		n.name = fact.Name
	}
	if fact.Cookie != 0 {
		n.cookie = fact.Cookie
	}
	switch {
	case !fact.Gone:
		n.gone = 0
	case n.gone == 0:
		n.gone, s.netns.anyGone = s.now, true
	}
}

// openIn takes an open in a namespace. If the one with that inode is gone, it is in another,
// whose facts are still to come.
func (s *State) openIn(inode uint32) {
	if n := s.netns.current[inode]; n != nil && n.gone != 0 {
		s.retire(n)
		s.netns.current[inode] = &netnsName{inode: inode}
	}
}

// isOther reports whether a fact is of another namespace with the same inode. Without
// cookies, one that was gone does not come back.
func (n *netnsName) isOther(fact *event.Netns) bool {
	if n.cookie != 0 && fact.Cookie != 0 {
		return n.cookie != fact.Cookie
	}
	return n.gone != 0 && !fact.Gone
}

// retire gives the rows of a namespace a key of their own: its inode is another's now.
func (s *State) retire(n *netnsName) {
	if n.gone == 0 {
		n.gone = s.now
	}
	s.netns.made++
	ended := s.netns.made
	s.netns.ended[ended] = n
	dest := func(k destKey) (destKey, bool) { return k.endedAs(n.inode, ended) }
	s.dests.rename(dest)
	s.unselected.rename(dest)
	s.pairs.rename(func(k pairKey) (pairKey, bool) {
		dest, is := k.dest.endedAs(n.inode, ended)
		return pairKey{k.proc, dest}, is
	})
	s.past.pairs.rename(func(k pastPair) (pastPair, bool) {
		dest, is := k.dest.endedAs(n.inode, ended)
		return pastPair{k.group, dest}, is
	})
	s.forgetNetns(n)
}

// endedAs returns the key of a destination in a namespace that has ended.
func (k destKey) endedAs(inode, ended uint32) (destKey, bool) {
	is := k.netns == inode && k.ended == 0
	k.ended = ended
	return k, is
}

// forgetNetns drops what is known of a namespace by its inode, apart from rows. Failures keep
// its name.
func (s *State) forgetNetns(n *netnsName) {
	s.failures.endNetns(n)
	s.flows.forgetNetns(n.inode)
	s.udp.forgetNetns(n.inode)
	s.fills.forgetNetns(n.inode)
	if s.ahead != nil {
		s.ahead.forgetNetns(n.inode)
	}
	s.scope.forget(n.inode)
	delete(s.buckets.actual, n.inode)
	s.loose.forget(n.inode)
	s.looseOutside.forget(n.inode)
	delete(s.wide, n.inode)
	delete(s.counts, n.inode)
}

func (f *flows) forgetNetns(inode uint32) {
	for id := range f.byID {
		if id.Netns == inode {
			delete(f.byID, id)
		}
	}
	for key := range f.byDest {
		if key.netns == inode {
			delete(f.byDest, key)
		}
	}
	delete(f.early, inode)
	for id := range f.held {
		if id.Netns == inode {
			delete(f.held, id)
		}
	}
	f.uses, f.going = nil, nil
}

// age drops the rows of namespaces that are gone for as long as the table of sockets keeps
// them: they count for the others.
func (s *State) age() {
	second := int64(s.now) / int64(time.Second)
	if second == s.netns.aged {
		return
	}
	s.netns.aged = second
	old := func(n *netnsName) bool { return n.gone != 0 && s.now.Sub(n.gone) >= portspace.GoneKept }
	inodes, ended := agedOut(s.netns.current, old), agedOut(s.netns.ended, old)
	if len(inodes)+len(ended) == 0 {
		return
	}
	for _, n := range inodes {
		s.forgetNetns(n)
	}
	aged := func(k destKey) bool {
		if k.ended != 0 {
			return ended[k.ended] != nil
		}
		return inodes[k.netns] != nil
	}
	s.dests.drop(aged)
	s.unselected.drop(aged)
	s.pairs.drop(func(k pairKey) bool { return aged(k.dest) })
	s.past.pairs.drop(func(k pastPair) bool { return aged(k.dest) })
}

// agedOut takes the old ones out and returns them.
func agedOut(all map[uint32]*netnsName, old func(*netnsName) bool) map[uint32]*netnsName {
	var found map[uint32]*netnsName
	for key, n := range all {
		if old(n) {
			if found == nil {
				found = map[uint32]*netnsName{}
			}
			found[key] = n
			delete(all, key)
		}
	}
	return found
}

// markGone marks the port spaces of namespaces that exist no more.
func (s *State) markGone(snap *snapshot.Snapshot) {
	for i := range snap.PortSpaces {
		p := &snap.PortSpaces[i]
		p.NetnsGone = s.isGone(p.Netns)
	}
}
