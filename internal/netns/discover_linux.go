package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/linux"
)

// nameDirs are the folders in which ip-netns(8) binds the namespaces that it names. One is
// mostly a symbolic link to the other.
var nameDirs = []string{"/run/netns", "/var/run/netns"}

const (
	// HostName is the name of the namespace that the host booted in.
	HostName = "host"
	// initialNetns is NET_NS_INIT_INO of include/uapi/linux/nsfs.h (Linux 6.18).
	// Earlier kernels give the first namespace a number above 0xF0000000 like any other.
	initialNetns = 0xEFFFFFF9
)

// discover finds the namespaces from scratch.
func (n *Namespaces) discover() error {
	found := make(map[uint32]*namespace)
	if err := addProcesses(found); err != nil {
		return fmt.Errorf("finding network namespaces: %w", err)
	}
	for _, dir := range nameDirs {
		addNamed(found, dir)
	}
	if inode := hostNetns(); found[inode] != nil {
		found[inode].name = HostName
	}
	n.found, n.discovered = found, time.Now()
	return nil
}

// addProcesses adds the namespaces of all processes, each with its process of the lowest
// pid: the one most likely to stay.
func addProcesses(found map[uint32]*namespace) error {
	pids, err := linux.Processes()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		inode, err := processNetns(pid)
		if err != nil {
			continue // it has ended, or may not be seen by this user
		}
		if found[inode] == nil {
			found[inode] = &namespace{inode: inode, pid: pid}
		}
	}
	return nil
}

// addNamed adds the namespaces that have a name in dir, or the name to those found.
func addNamed(found map[uint32]*namespace, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // ip netns was never used
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		inode, err := fileNetns(path)
		if err != nil {
			continue // what is left of a deleted one is a plain file
		}
		if found[inode] == nil {
			found[inode] = &namespace{inode: inode, path: path}
		}
		if found[inode].name == "" {
			found[inode].name = entry.Name()
		}
	}
}

// hostNetns returns the inode of the namespace that the host booted in. Process 1 is in it
// if this is the host's pid namespace; in another one only the number of Linux 6.18 is known.
func hostNetns() uint32 {
	if _, host, err := linux.PIDNamespace(); err != nil || !host {
		return initialNetns
	}
	inode, err := processNetns(1)
	if err != nil {
		return initialNetns
	}
	return inode
}

// processNetns returns the inode of the namespace that the process is in.
func processNetns(pid uint32) (uint32, error) {
	return readNetns(linux.ProcPath(pid, "ns/net"))
}

// readNetns returns the inode that the link of a process or thread names.
func readNetns(path string) (uint32, error) {
	link, err := os.Readlink(path)
	if err != nil {
		return 0, err
	}
	return parseLink(link)
}

// ownNetns returns the inode of the namespace that this program is in, and never leaves.
var ownNetns = sync.OnceValue(func() uint32 {
	link, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return 0 // there is no /proc, and no namespace with that number
	}
	inode, _ := parseLink(link)
	return inode
})

// Own returns the inode of the namespace that this program is in, 0 if that is not known.
func Own() uint32 { return ownNetns() }

// fileNetns returns the inode of the network namespace that the file is.
func fileNetns(path string) (uint32, error) {
	file, err := openNetns(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return fileInode(file)
}

// openNetns opens a file, which must be a network namespace, ioctl_nsfs(2).
func openNetns(path string) (*os.File, error) {
	// Without O_NONBLOCK a pipe given by mistake would hang.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	kind, err := unix.IoctlRetInt(int(file.Fd()), unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		file.Close()
		return nil, fmt.Errorf("%s: not a network namespace", path)
	}
	return file, nil
}

func fileInode(file *os.File) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return 0, fmt.Errorf("asking for the inode of %s: %w", file.Name(), err)
	}
	return uint32(st.Ino), nil
}
