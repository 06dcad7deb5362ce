package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/linux"
)

// Netns is a private network namespace whose loopback device is up. It lives
// until Close, and ends with the process however that ends.
type Netns struct {
	file  *os.File // /proc/thread-self/ns/net of the keeper
	inode uint32
	links int // veth devices made so far, for their names

	// The keeper is a thread that lives in the namespace as long as the Netns.
	// It starts all children: PR_SET_PDEATHSIG is sent when the thread that
	// forked ends, not the process (prctl(2)).
	calls chan func()
	quit  chan struct{}
	ended chan struct{}
}

var errClosed = errors.New("network namespace is closed")

// NewNetns makes a network namespace and brings its loopback device up.
func NewNetns() (*Netns, error) {
	n := &Netns{
		calls: make(chan func()),
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	ready := make(chan error)
	linux.GoThread(func() { n.keep(ready) })
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("making a network namespace: %w", err)
	}
	if err := n.setUp("lo"); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// keep is the keeper: it enters a new namespace, reports its inode, and then runs calls.
func (n *Netns) keep(ready chan<- error) {
	defer close(n.ended)
	if err := n.enterNew(); err != nil {
		ready <- err
		return
	}
	ready <- nil
	for {
		select {
		case call := <-n.calls:
			call()
		case <-n.quit:
			return
		}
	}
}

func (n *Netns) enterNew() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	file, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return errors.Join(fmt.Errorf("stat %s: %w", file.Name(), err), file.Close())
	}
	n.file, n.inode = file, uint32(st.Ino)
	return nil
}

// Inode returns the number by which tools name the namespace (lsns, readlink
// /proc/PID/ns/net).
func (n *Netns) Inode() uint32 { return n.inode }

// Close closes the namespace. The kernel kills what Start or Spawn left running in
// it; to wait for their end, stop them first.
func (n *Netns) Close() error {
	select {
	case <-n.quit:
		return nil
	default:
	}
	close(n.quit)
	<-n.ended
	return n.file.Close()
}

// Do runs fn inside the namespace and returns its error. fn runs on a goroutine
// and a thread of its own: it must not start goroutines that rely on the
// namespace, and in a test it must not call t.Fatal.
func (n *Netns) Do(fn func() error) error {
	result := make(chan error, 1)
	linux.GoThread(func() {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("entering network namespace %d: %w", n.inode, err)
			return
		}
		result <- fn()
	})
	return <-result
}

// onKeeper runs fn on the keeper's thread.
func (n *Netns) onKeeper(fn func() error) error {
	result := make(chan error, 1)
	select {
	case n.calls <- func() { result <- fn() }:
		return <-result
	case <-n.quit:
		return errClosed
	}
}

// Sysctl sets a sysctl of the namespace, by its path below /proc/sys/net:
// "ipv4/tcp_tw_reuse".
func (n *Netns) Sysctl(name, value string) error {
	return n.Do(func() error {
		path := filepath.Join("/proc/sys/net", name)
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("setting sysctl: %w", err)
		}
		return nil
	})
}

// PortRange sets the range of ephemeral ports, both ends included. An even
// number of ports is exhausted exactly; an odd one may be one port early.
func (n *Netns) PortRange(lo, hi uint16) error {
	return n.Sysctl("ipv4/ip_local_port_range", fmt.Sprintf("%d %d", lo, hi))
}

// ReadNet returns a file of proc_pid_net(5) as seen inside: "sockstat", "tcp".
func (n *Netns) ReadNet(name string) (string, error) {
	var text []byte
	err := n.Do(func() (err error) {
		// /proc/net would be that of the process's main thread.
		text, err = os.ReadFile(filepath.Join("/proc/thread-self/net", name))
		return err
	})
	return string(text), err
}
