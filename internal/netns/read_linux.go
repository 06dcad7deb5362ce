package netns

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

func (ns *namespace) readable() bool { return ns.pid != 0 || ns.path != "" }

// timeWait is the number of buckets in the namespace.
func (ns *namespace) timeWait() (count int64, err error) {
	err = ns.read("sockstat", func(r io.Reader) (err error) {
		count, err = parseTimeWait(r)
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
		return fmt.Errorf("read %s of network namespace %d: %w", name, ns.inode, err)
	}
	return nil
}

// readByProcess makes sure after the reading that the pid still was in this namespace.
func (ns *namespace) readByProcess(name string, parse func(io.Reader) error) error {
	if err := parseFile(procPath(ns.pid, "net/"+name), parse); err != nil {
		return err
	}
	inode, err := processNetns(ns.pid)
	if err != nil {
		return err
	}
	if inode != ns.inode {
		return fmt.Errorf("process %d is not in it", ns.pid)
	}
	return nil
}

// readByFile enters the namespace with a thread of its own. The thread stays
// locked, so that the runtime ends it and nothing else ever runs there.
func (ns *namespace) readByFile(name string, parse func(io.Reader) error) error {
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
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", ns.path, err)
			return
		}
		done <- parseFile("/proc/thread-self/net/"+name, parse)
	}()
	return <-done
}

func parseFile(path string, parse func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return parse(file)
}
