package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"time"
)

// localsFor is how long the addresses of a namespace are believed.
const localsFor = time.Second

type localAddrs struct {
	read time.Time
	set  *addrSet
}

// LocalAddrs tells which addresses bind() takes in the namespace, to tell whether a
// bind failed because the address is foreign. What it returns does not change;
// it is read again when it is more than a second old.
func (n *Namespaces) LocalAddrs(inode uint32) (func(netip.Addr) bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if cached := n.locals[inode]; time.Since(cached.read) < localsFor {
		return cached.set.has, nil
	}
	set, err := n.readAddrs(inode)
	if err != nil {
		return nil, err
	}
	for other, cached := range n.locals {
		if time.Since(cached.read) >= localsFor {
			delete(n.locals, other)
		}
	}
	n.locals[inode] = localAddrs{read: time.Now(), set: set}
	return set.has, nil
}

// readAddrs reads them, if need be after a look for the namespace. A namespace
// that was looked for in vain is looked for again with the next Refresh that scans.
func (n *Namespaces) readAddrs(inode uint32) (*addrSet, error) {
	if ns := n.found[inode]; ns != nil {
		set, err := ns.addrs()
		if err == nil || ns.pid == 0 {
			return set, err
		}
	}
	n.rescan([]uint32{inode})
	if ns := n.found[inode]; ns != nil {
		return ns.addrs()
	}
	return nil, errUnseen
}

var errUnseen = errors.New("no process and no name leads to it")

func (ns *namespace) addrs() (*addrSet, error) {
	if !ns.readable() {
		return nil, fmt.Errorf("network namespace %d: %w", ns.inode, errUnseen)
	}
	set := &addrSet{single: make(map[netip.Addr]bool)}
	// A kernel that booted with ipv6.disable=1 has no if_inet6. That the process
	// has ended would look alike, but then fib_trie is not there either.
	if err := ns.read("if_inet6", set.addV6); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := ns.read("fib_trie", set.addV4); err != nil {
		return nil, err
	}
	return set, nil
}
