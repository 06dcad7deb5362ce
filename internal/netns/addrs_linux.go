package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
)

// LocalAddrs returns a function that reports whether bind() accepts an address in the
// namespace, by the addresses that it has now: if it does not, a bind fails because the address
// is foreign.
func (n *Namespaces) LocalAddrs(inode uint32) (func(netip.Addr) bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	set, err := n.readAddrs(inode)
	if err != nil {
		return nil, err
	}
	return set.has, nil
}

// readAddrs reads them, after a search if the namespace is not known. After a search in
// vain there is none before the next Refresh that searches.
func (n *Namespaces) readAddrs(inode uint32) (*addrSet, error) {
	if ns := n.found[inode]; ns != nil {
		set, err := ns.addrs()
		if err == nil || ns.pid == 0 {
			return set, err
		}
	}
	n.rediscover([]uint32{inode})
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
