// Package kubelet names pods and their containers without asking the API server. For each
// container the kubelet makes a link to its log, whose name and target have all of it:
//
//	/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log -> /var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log
//
// Only the links are read, and no log: the directory of links is all that a container needs of
// the host. See pkg/kubelet/kuberuntime of Kubernetes, logSymlink and BuildContainerLogsDirectory.
package kubelet

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Dirs are where the links are: on the host, and in the container of `kubectl debug node`, which
// has the host's files below /host.
var Dirs = []string{"/var/log/containers", "/host/var/log/containers"}

// Pods has the names of the pods of this node. Any goroutine may call it.
type Pods struct {
	dir string

	mu      sync.Mutex
	read    time.Time // the time of change that the directory had when it was read
	links   map[string]link
	byID    map[string]event.Pod // by container
	byUID   map[string]event.Pod // without the container
	changed func(info os.FileInfo, now time.Time) time.Time
}

// New returns the pods of a directory of links. Empty: that of Dirs which is there. It may be
// made later.
func New(dir string) *Pods {
	if dir == "" {
		dir = Dirs[0]
		for _, d := range Dirs {
			if _, err := os.Stat(d); err == nil {
				dir = d
				break
			}
		}
	}
	return &Pods{dir: dir, changed: settled}
}

// Exist reports whether the kubelet's directory can be read here.
func (p *Pods) Exist() bool {
	_, err := os.Stat(p.dir)
	return err == nil
}

// Of returns the pod of a process by its cgroup and container, empty if it is in none, or is not
// known yet: the kubelet makes the link some milliseconds after the container has started. Of a
// process in the sandbox (pause), and of one whose link has a name that was cut, only pod and
// namespace are known.
func (p *Pods) Of(cgroup, container string) event.Pod {
	uid := UID(cgroup)
	if uid == "" && container == "" {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod, ok := p.byID[container]; ok {
		return pod
	}
	p.refresh(time.Now())
	if pod, ok := p.byID[container]; ok {
		return pod
	}
	return p.byUID[uid]
}

// refresh reads the directory again if it has changed. That is decided by the time of its last
// change, so that a storm of processes in an unknown container costs a stat(2) each.
func (p *Pods) refresh(now time.Time) {
	info, err := os.Stat(p.dir)
	if err != nil {
		p.read, p.links, p.byID, p.byUID = time.Time{}, nil, nil, nil
		return
	}
	if !p.read.IsZero() && info.ModTime().Equal(p.read) {
		return
	}
	dir, err := os.Open(p.dir)
	if err != nil {
		return
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return
	}
	p.read = p.changed(info, now)
	p.take(names)
}

// tick is longer than the granularity of the times of changes: two within it can have one time.
const tick = 20 * time.Millisecond

// settled returns the time of the last change, zero if another one could still have the same.
func settled(info os.FileInfo, now time.Time) time.Time {
	if now.Sub(info.ModTime()) < tick {
		return time.Time{}
	}
	return info.ModTime()
}

// take replaces what is known by the links with these names. A target is read once.
func (p *Pods) take(names []string) {
	links := make(map[string]link, len(names))
	p.byID, p.byUID = make(map[string]event.Pod, len(names)), make(map[string]event.Pod, len(names))
	for _, name := range names {
		l, known := p.links[name]
		if !known {
			target, _ := os.Readlink(filepath.Join(p.dir, name))
			l = parse(name, target)
		}
		if l.pod == "" {
			continue
		}
		links[name] = l
		if l.id != "" {
			p.byID[l.id] = l.pod
		}
		if l.uid != "" {
			p.byUID[l.uid] = l.pod.Whole()
		}
	}
	p.links = links
}
