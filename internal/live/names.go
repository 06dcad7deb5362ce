package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

const (
	shortID  = 12 // as much of a container's id as people read and type
	maxNames = 4096
)

// names are those of namespaces that nobody has named by ip-netns(8).
type names map[namespace]string

// namespace is told from a later one with its inode.
type namespace struct {
	inode  uint32
	cookie uint64
}

// name is what people call the namespace: a container's is called by the container.
func (s *surroundings) name(n *event.Netns) string {
	if n.Name != "" {
		return n.Name
	}
	key := namespace{n.Inode, n.Cookie}
	if s.names[key] == "" {
		if len(s.names) > maxNames {
			clear(s.names)
		}
		s.names[key] = nameByProcess(s.spaces.Process(n.Inode))
	}
	return s.names[key]
}

// nameByProcess takes the process by which the namespace is read: the first in it, mostly
// the container's own.
func nameByProcess(pid uint32) string {
	p, err := procinfo.Read(pid)
	if pid == 0 || err != nil {
		return ""
	}
	if p.Container != "" {
		return p.Container[:min(len(p.Container), shortID)]
	}
	return p.Unit
}
