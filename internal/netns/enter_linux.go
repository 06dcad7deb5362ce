package netns

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Inside runs fn on a thread that is in the namespace. Any other than the own is entered
// for it, which needs CAP_SYS_ADMIN.
func (n *Namespaces) Inside(inode uint32, fn func() error) error {
	if inode == ownNetns() {
		return fn() // to enter it, too, would take the capability
	}
	file, err := n.open(inode)
	if err != nil {
		return err
	}
	defer file.Close()
	return inside(file, fn)
}

// open opens the namespace, if need be after a look for another process in it. One that
// was looked for in vain is looked for again with the next Refresh that scans.
func (n *Namespaces) open(inode uint32) (*os.File, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ns := n.found[inode]; ns != nil {
		file, err := ns.open()
		if err == nil || !ns.readable() {
			return file, err
		}
	}
	n.rescan([]uint32{inode})
	if ns := n.found[inode]; ns != nil {
		return ns.open()
	}
	return nil, errUnseen
}

// open makes sure that what was the way to the namespace still is.
func (ns *namespace) open() (*os.File, error) {
	if !ns.readable() {
		return nil, errUnseen
	}
	path := ns.path
	if ns.pid != 0 {
		path = procPath(ns.pid, "ns/net")
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

// inside runs fn on a thread that has entered the namespace behind the file. The
// thread stays locked, so that the runtime ends it and nothing else ever runs there.
func inside(file *os.File, fn func() error) error {
	done := make(chan error)
	goThread(func() {
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", file.Name(), err)
			return
		}
		done <- fn()
	})
	return <-done
}

// goThread runs fn on a locked thread that is not the main one: that one cannot end,
// and its namespace is the one that /proc/PID shows for the whole process.
func goThread(fn func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			fn()
			return
		}
		locked := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(locked)
			fn()
		}()
		<-locked // this goroutine kept the main thread, so that one got another
		runtime.UnlockOSThread()
	}()
}
