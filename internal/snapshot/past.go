package snapshot

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/event"
)

// Identity is all by which processes are grouped.
type Identity struct {
	Executable string // see IdentityOf
	Container  string
	Unit       string
	Unknown    bool // the sockets without a known owner
	Others     bool // what there is no room to count by group
}

// IdentityOf returns what the groups of a process depend on. An unknown executable has the
// name of the process in brackets, as in ps(1): no path begins with one.
func IdentityOf(p *event.Process) Identity {
	if !p.ID.Known() {
		return Identity{Unknown: true}
	}
	return Identity{Executable: cmp.Or(p.Exe, "["+p.Comm+"]"), Container: p.Container, Unit: p.Unit}
}

// Compare is an order of identities.
func (i Identity) Compare(o Identity) int {
	return cmp.Or(cmp.Compare(i.Executable, o.Executable), cmp.Compare(i.Container, o.Container), cmp.Compare(i.Unit, o.Unit),
		compareBool(i.Unknown, o.Unknown), compareBool(i.Others, o.Others))
}

// key returns the group.
func (i Identity) key(by Grouping) GroupKey {
	key := GroupKey{Unknown: i.Unknown}
	switch by {
	case ByContainer:
		key.Name = i.Container
	case ByUnit:
		key.Name = i.Unit
	default:
		key.Name = i.Executable
	}
	return key
}

// Past is the processes of one identity that have no row of their own: their rows were given
// up for others, or there was no room for one.
type Past struct {
	Identity
	Process     // what they have counted together; Info is empty
	Count   int // how many had a row
}

// PastPair is the connections of such processes to one destination.
type PastPair struct {
	Identity
	Pair // without a process
}
