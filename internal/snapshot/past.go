package snapshot

import (
	"cmp"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
)

// Identity is all by which processes are grouped.
type Identity struct {
	Executable string // see IdentityOf
	Script     string
	Name       string // of the process, without its script
	Container  string
	Pod        event.Pod // without the container
	Unit       string
	Parent     event.ProcID // zero: not known, or there is no room to count by parent
	ParentName string
	Unknown    bool // the sockets without a known owner
	Others     bool // what there is no room to count by group
}

// IdentityOf returns what the groups of a process depend on. An unknown executable has the
// name of the process in brackets, as in ps(1): no path begins with one.
func IdentityOf(p *event.Process) Identity {
	identity := ownIdentity(p)
	if p.ID.Known() {
		parent := p.Parent()
		identity.Parent, identity.ParentName = parent.ID, parentName(&parent)
	}
	return identity
}

// ownIdentity returns the identity without the parent.
func ownIdentity(p *event.Process) Identity {
	if !p.ID.Known() {
		return Identity{Unknown: true}
	}
	return Identity{Executable: executableOf(p), Script: p.Script, Name: p.Name(), Container: p.Container, Pod: p.Pod.Whole(), Unit: p.Unit}
}

func executableOf(p *event.Process) string {
	if p.Exe != "" {
		return p.Exe
	}
	return unknownExecutable(p.Comm)
}

// unknownExecutable returns what stands for the executable of a process of that name.
func unknownExecutable(comm string) string { return "[" + comm + "]" }

// parentName returns loop.sh (bash 20617), bash(1), process 7.
func parentName(a *event.Ancestor) string {
	pid := strconv.FormatUint(uint64(a.ID.PID), 10)
	switch {
	case !a.ID.Known():
		return ""
	case a.Comm == "":
		return "process " + pid
	case a.Script != "":
		return a.Program() + " (" + a.Comm + " " + pid + ")"
	}
	return a.Comm + "(" + pid + ")"
}

// Coarse returns the identity without what nearly every process can have a value of its own of:
// what remains decides which program it is.
func (i Identity) Coarse() Identity {
	i.Name, i.Parent, i.ParentName = "", event.ProcID{}, ""
	return i
}

// Compare is an order of identities.
func (i Identity) Compare(o Identity) int {
	return cmp.Or(cmp.Compare(i.Executable, o.Executable), cmp.Compare(i.Container, o.Container), cmp.Compare(i.Pod, o.Pod), cmp.Compare(i.Unit, o.Unit),
		cmp.Compare(i.Script, o.Script), cmp.Compare(i.Name, o.Name), compareProc(i.Parent, o.Parent), cmp.Compare(i.ParentName, o.ParentName),
		compareBool(i.Unknown, o.Unknown), compareBool(i.Others, o.Others))
}

// key returns the group.
func (i Identity) key(by Grouping) GroupKey {
	key := GroupKey{Unknown: i.Unknown}
	switch by {
	case ByContainer:
		key.Name = i.Container
	case ByPod:
		key.Name = string(i.Pod)
	case ByUnit:
		key.Name = i.Unit
	case ByParent:
		key.Name, key.Parent = i.ParentName, i.Parent
	case ByProgram:
		key.Executable, key.Script = i.Executable, i.Script
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
