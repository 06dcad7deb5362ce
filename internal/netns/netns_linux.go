// Package netns knows what only a network namespace knows: its name, how many
// TIME_WAIT buckets the kernel counts in it, which addresses are local to it, how it
// hands out ports, and which sockets there are.
//
// What can be is read through /proc/PID/net of some process in the namespace,
// which needs no privilege beyond seeing that process. For the rest, and where it has a
// name but no process, it is entered for the moment of the reading, which needs
// CAP_SYS_ADMIN. No namespace is held open, because that would keep it, and the
// sockets in it, alive.
package netns

import (
	"slices"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// rescanAfter is how long names and the lack of a namespace are believed.
const rescanAfter = 10 * time.Second

// Namespaces are the network namespaces of this host, as far as they can be
// seen. It can be used from several goroutines.
type Namespaces struct {
	mu      sync.Mutex
	scanned time.Time
	found   map[uint32]*namespace
	locals  map[uint32]localAddrs
}

// namespace is one of them and how to read it: by a process, else by a file that
// is bound to it. With neither it was looked for and not found.
type namespace struct {
	inode uint32
	name  string
	pid   uint32
	path  string
}

// New returns Namespaces that look around when they are first asked.
func New() *Namespaces {
	return &Namespaces{found: make(map[uint32]*namespace), locals: make(map[uint32]localAddrs)}
}

// Scan looks for all namespaces, now.
func (n *Namespaces) Scan() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.scan()
}

// Inodes lists the namespaces that the last scan found.
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

// Process is one in the namespace, by which it is read; 0 where none is known.
func (n *Namespaces) Process(inode uint32) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ns := n.found[inode]; ns != nil {
		return ns.pid
	}
	return 0
}

// find returns a namespace that can be read, if need be after a look for it.
func (n *Namespaces) find(inode uint32) (*namespace, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.found[inode] == nil {
		n.rescan([]uint32{inode})
	}
	if ns := n.found[inode]; ns != nil && ns.readable() {
		return ns, nil
	}
	return nil, errUnseen
}

// Refresh returns what is true now of the namespaces with these inodes, in that
// order. It is cheap enough to be called every second: it looks through /proc
// only for an inode it has not looked for lately, when the process is gone by which
// it read a namespace, and every ten seconds for new names.
func (n *Namespaces) Refresh(known []uint32) []event.Netns {
	n.mu.Lock()
	defer n.mu.Unlock()
	rescanned := n.stale(known)
	if rescanned {
		n.rescan(known)
	}
	facts, gone := n.read(known)
	if gone && !rescanned {
		n.rescan(known)
		facts, _ = n.read(known)
	}
	return facts
}

func (n *Namespaces) stale(known []uint32) bool {
	if time.Since(n.scanned) > rescanAfter {
		return true
	}
	for _, inode := range known {
		if n.found[inode] == nil {
			return true
		}
	}
	return false
}

// rescan scans and remembers which namespaces it could not find.
func (n *Namespaces) rescan(known []uint32) {
	if n.scan() != nil {
		return // without /proc nothing is known, and each value says so
	}
	for _, inode := range known {
		if n.found[inode] == nil {
			n.found[inode] = &namespace{inode: inode}
		}
	}
}

// read returns the facts and whether a process has left its namespace.
func (n *Namespaces) read(known []uint32) (facts []event.Netns, gone bool) {
	for _, inode := range known {
		fact := event.Netns{Inode: inode, TimeWait: -1}
		if ns := n.found[inode]; ns != nil && ns.readable() {
			fact.Name = ns.name
			count, err := ns.timeWait()
			if err == nil {
				fact.TimeWait = count
			} else if ns.pid != 0 {
				gone = true
			}
		}
		facts = append(facts, fact)
	}
	return facts, gone
}
