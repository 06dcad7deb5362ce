// Package netns reads the facts of network namespaces: their names, how many TIME_WAIT
// buckets the kernel counts in each, which addresses are local to it, its port range and
// other settings of port allocation, and its sockets.
//
// If it can, it reads /proc/PID/net of some process in the namespace, which needs no
// privilege beyond seeing that process. For the rest, and if a namespace has a name but no
// process, a thread enters it for the moment of the reading, which needs CAP_SYS_ADMIN. No
// namespace is held open, because that would keep it, and the sockets in it, alive.
package netns

import (
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// discoverEvery is how long names, and the lack of a namespace, stay true without a search.
const discoverEvery = 10 * time.Second

// Namespaces are the network namespaces of this host that this user may see. It may be
// used by several goroutines.
type Namespaces struct {
	mu         sync.Mutex
	discovered time.Time
	found      map[uint32]*namespace
	modules    modules
}

// namespace is one of them and the way to read it: by a process, else by a file that is
// bound to it. Without either it was searched for in vain.
type namespace struct {
	inode uint32
	name  string
	pid   uint32
	path  string
}

// New returns Namespaces that search /proc when they are first asked for something.
func New() *Namespaces {
	return &Namespaces{found: make(map[uint32]*namespace), modules: modules{}}
}

// Discover searches for all namespaces, now.
func (n *Namespaces) Discover() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.discover()
}

// Inodes returns the namespaces that the last search found.
func (n *Namespaces) Inodes() []uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	var inodes []uint32
	for inode, ns := range n.found {
		if ns.readable() {
			inodes = append(inodes, inode)
		}
	}
	slices.Sort(inodes)
	return inodes
}

// Process returns a process in the namespace, by which it is read; 0 if none is known.
func (n *Namespaces) Process(inode uint32) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ns := n.found[inode]; ns != nil {
		return ns.pid
	}
	return 0
}

// find returns a namespace that can be read, after a search if it is not known yet.
func (n *Namespaces) find(inode uint32) (*namespace, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.found[inode] == nil {
		n.rediscover([]uint32{inode})
	}
	if ns := n.found[inode]; ns != nil && ns.readable() {
		return ns, nil
	}
	return nil, errUnseen
}

// Refresh returns the facts of the namespaces with these inodes, in that order, as they are
// now. It is cheap enough to be called every second: it searches /proc only for an inode
// that it does not know, when the process or the file is gone by which it read a namespace,
// and every ten seconds for new names.
func (n *Namespaces) Refresh(known []uint32) []event.Netns {
	n.mu.Lock()
	defer n.mu.Unlock()
	searched := n.stale(known)
	if searched {
		n.rediscover(known)
	}
	facts, gone := n.read(known)
	if gone && !searched {
		n.rediscover(known)
		facts, _ = n.read(known)
	}
	return facts
}

// Forget makes the next one who asks for a namespace that has ended search again: a new one
// gets its inode soon.
func (n *Namespaces) Forget(inode uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.found, inode)
}

func (n *Namespaces) stale(known []uint32) bool {
	if time.Since(n.discovered) > discoverEvery {
		return true
	}
	for _, inode := range known {
		if n.found[inode] == nil {
			return true
		}
	}
	return false
}

// rediscover searches again, and remembers which namespaces it could not find. Not of those
// that were there before: the inode of one that has ended is given to a new one soon.
func (n *Namespaces) rediscover(known []uint32) {
	before := n.found
	if n.discover() != nil {
		return // without /proc nothing is known, and each value says so
	}
	for _, inode := range known {
		if was := before[inode]; n.found[inode] == nil && (was == nil || !was.readable()) {
			n.found[inode] = &namespace{inode: inode}
		}
	}
}

// read returns the facts and whether a namespace cannot be read any more as it was.
func (n *Namespaces) read(known []uint32) (facts []event.Netns, gone bool) {
	for _, inode := range known {
		fact := event.Netns{Inode: inode, TimeWait: -1}
		if ns := n.found[inode]; ns != nil && ns.readable() {
			fact.Name = ns.name
			count, err := ns.timeWait()
			switch {
			case err == nil:
				fact.TimeWait = count
			case ns.pid != 0, !errors.Is(err, fs.ErrPermission): // who may not enter one never may
				gone = true
			}
		}
		facts = append(facts, fact)
	}
	return facts, gone
}
