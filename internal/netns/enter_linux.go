package netns

import (
	"fmt"
	"os"

	"github.com/porttrace/porttrace/internal/linux"
)

// Inside runs fn on a thread that is in the namespace. It needs CAP_SYS_ADMIN, unless this
// program is in that namespace itself.
func (n *Namespaces) Inside(inode uint32, fn func() error) error {
	if inode == ownNetns() {
		return fn() // to enter it, too, would take the capability
	}
	file, err := n.open(inode)
	if err != nil {
		return err
	}
	defer file.Close()
	return linux.InNetns(file, fn)
}

// open opens the namespace. If it is not known, or its process has ended, /proc is searched
// again; after a search in vain, not before the next Refresh that searches.
func (n *Namespaces) open(inode uint32) (*os.File, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ns := n.found[inode]; ns != nil {
		file, err := ns.open()
		if err == nil || !ns.readable() {
			return file, err
		}
	}
	n.rediscover([]uint32{inode})
	if ns := n.found[inode]; ns != nil {
		return ns.open()
	}
	return nil, errUnseen
}

// open opens the namespace by its process or path, and makes sure that it still is the
// same one.
func (ns *namespace) open() (*os.File, error) {
	if !ns.readable() {
		return nil, errUnseen
	}
	path := ns.path
	if ns.pid != 0 {
		path = linux.ProcPath(ns.pid, "ns/net")
	}
	file, err := openNetns(path)
	if err != nil {
		return nil, err
	}
	if inode, err := fileInode(file); err != nil || inode != ns.inode {
		file.Close()
		return nil, fmt.Errorf("%s is another one now", path)
	}
	return file, nil
}
