package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

const (
	shortID  = 12 // as much of a container's id as people read and type
	maxNames = 4096
)

// names are those of namespaces that have no name of ip-netns(8).
type names map[namespaceKey]string

// namespaceKey distinguishes a namespace from a later one with its inode.
type namespaceKey struct {
	inode  uint32
	cookie uint64
}

// name returns how people refer to the namespace: a container's is named by the container.
func (n *namespaces) name(fact *event.Netns) string {
	if fact.Name != "" {
		return fact.Name
	}
	key := namespaceKey{fact.Inode, fact.Cookie}
	if n.names[key] == "" {
		if len(n.names) > maxNames {
			clear(n.names)
		}
		n.names[key] = nameByProcess(n.netns.Process(fact.Inode))
	}
	return n.names[key]
}

// nameByProcess returns the container or unit of the process by which the namespace is read:
// the first in it, mostly the container's own.
func nameByProcess(pid uint32) string {
	p, err := procinfo.Read(pid)
	if pid == 0 || err != nil {
		return ""
	}
	return nameBy(&p)
}

func nameBy(p *event.Process) string {
	if p.Container != "" {
		return p.Container[:min(len(p.Container), shortID)]
	}
	return p.Unit
}
