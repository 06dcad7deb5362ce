package netns

import (
	"fmt"
	"io"
	"os"

	"github.com/porttrace/porttrace/internal/linux"
)

func (ns *namespace) readable() bool { return ns.pid != 0 || ns.path != "" }

// timeWait returns the number of buckets in the namespace.
func (ns *namespace) timeWait() (count int64, err error) {
	err = ns.read("sockstat", func(r io.Reader) (err error) {
		count, err = parseTimeWait(r)
		return err
	})
	return count, err
}

// Refused returns how many buckets tcp_max_tw_buckets has refused in the namespace since
// that was made.
func (n *Namespaces) Refused(inode uint32) (count uint64, err error) {
	ns, err := n.find(inode)
	if err != nil {
		return 0, err
	}
	err = ns.read("netstat", func(r io.Reader) (err error) {
		count, err = parseRefused(r)
		return err
	})
	return count, err
}

// read hands a file of the namespace's /proc/net to parse.
func (ns *namespace) read(name string, parse func(io.Reader) error) error {
	var err error
	if ns.pid != 0 {
		err = ns.readByProcess(name, parse)
	} else {
		err = ns.readByFile(name, parse)
	}
	if err != nil {
		return fmt.Errorf("reading %s of network namespace %d: %w", name, ns.inode, err)
	}
	return nil
}

// readByProcess makes sure after the reading that the pid still was in this namespace.
func (ns *namespace) readByProcess(name string, parse func(io.Reader) error) error {
	if err := parseFile(linux.ProcPath(ns.pid, "net/"+name), parse); err != nil {
		return err
	}
	return ns.checkProcess()
}

// checkProcess makes sure that the process by which the namespace was read is still in it.
func (ns *namespace) checkProcess() error {
	inode, err := processNetns(ns.pid)
	if err != nil {
		return err
	}
	if inode != ns.inode {
		return fmt.Errorf("process %d is not in it", ns.pid)
	}
	return nil
}

// readByFile enters the namespace for the reading.
func (ns *namespace) readByFile(name string, parse func(io.Reader) error) error {
	return ns.inside(func() error { return parseFile("/proc/thread-self/net/"+name, parse) })
}

// inside runs fn on a thread that has entered the namespace by its file.
func (ns *namespace) inside(fn func() error) error {
	file, err := openNetns(ns.path)
	if err != nil {
		return err
	}
	defer file.Close()
	inode, err := fileInode(file)
	if err != nil {
		return err
	}
	if inode != ns.inode {
		return fmt.Errorf("%s is another one now", ns.path)
	}
	return linux.InNetns(file, fn)
}

func parseFile(path string, parse func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return parse(file)
}
