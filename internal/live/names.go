package live

import (
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
	"github.com/porttrace/porttrace/internal/netns"
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

// name returns how people refer to the namespace: that of a pod is named by the pod, also if
// its network plugin has given it a name (cni-...), a container's by the container.
func (n *namespaces) name(fact *event.Netns) string {
	if fact.Name == netns.HostName || fact.Name != "" && !n.pods.Exist() {
		return fact.Name
	}
	key := namespaceKey{fact.Inode, fact.Cookie}
	if name := n.names[key]; name != "" {
		return name
	}
	name, final := n.nameByProcess(n.netns.Process(fact.Inode))
	if fact.Name != "" && !strings.Contains(name, "/") {
		name = fact.Name
	}
	if final && name != "" {
		if len(n.names) > maxNames {
			clear(n.names)
		}
		n.names[key] = name
	}
	return name
}

// nameByProcess returns the pod, container or unit of the process by which the namespace is read:
// the first in it, mostly the container's own. It is not final if a pod has no name yet.
func (n *namespaces) nameByProcess(pid uint32) (name string, final bool) {
	p, err := procinfo.Read(pid)
	if pid == 0 || err != nil {
		return "", false
	}
	if p.Pod = n.pods.Of(p.Cgroup, p.Container); p.Pod == "" && kubelet.UID(p.Cgroup) != "" {
		return nameBy(&p), !n.pods.Exist()
	}
	return nameBy(&p), true
}

func nameBy(p *event.Process) string {
	if p.Pod != "" {
		return string(p.Pod.Whole())
	}
	if p.Container != "" {
		return p.Container[:min(len(p.Container), shortID)]
	}
	return p.Unit
}
