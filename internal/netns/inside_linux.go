package netns

import "os"

// Inside runs fn on a thread that is in the namespace.
func (n *Namespaces) Inside(inode uint32, fn func() error) error {
	if own, err := processNetns(uint32(os.Getpid())); err == nil && own == inode {
		return fn()
	}
	file, err := n.open(inode)
	if err != nil {
		return err
	}
	defer file.Close()
	return inside(file, fn)
}
