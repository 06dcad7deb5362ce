package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Where ip-netns(8) binds the namespaces that it names. One is mostly a symbolic
// link to the other.
var nameDirs = []string{"/run/netns", "/var/run/netns"}

const (
	// hostName is what the namespace is called that the host booted in.
	hostName = "host"
	// initialNetns is NET_NS_INIT_INO of include/uapi/linux/nsfs.h (Linux 6.18).
	// Earlier kernels give the first namespace a number above 0xF0000000 like any other.
	initialNetns = 0xEFFFFFF9
	// initialPIDNS is PROC_PID_INIT_INO of include/linux/proc_ns.h.
	initialPIDNS = 0xEFFFFFFC
)

// scan replaces what was found.
func (n *Namespaces) scan() error {
	found := make(map[uint32]*namespace)
	if err := addProcesses(found); err != nil {
		return fmt.Errorf("find network namespaces: %w", err)
	}
	for _, dir := range nameDirs {
		addNamed(found, dir)
	}
	if inode := hostNetns(); found[inode] != nil {
		found[inode].name = hostName
	}
	n.found, n.scanned = found, time.Now()
	return nil
}

// addProcesses adds the namespaces that processes are in, each with the first of
// them in the order of /proc, which is by pid: the one most likely to stay.
func addProcesses(found map[uint32]*namespace) error {
	dir, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		pid, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			continue // not a process
		}
		inode, err := processNetns(uint32(pid))
		if err != nil {
			continue // it has ended, or is not ours to see
		}
		if found[inode] == nil {
			found[inode] = &namespace{inode: inode, pid: uint32(pid)}
		}
	}
	return nil
}

// addNamed adds the namespaces that have a name in dir, or the name to those found.
func addNamed(found map[uint32]*namespace, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // nobody has used ip netns
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

// hostNetns is the inode of the namespace that the host booted in, 0 where that
// cannot be told: process 1 is the host's only in the host's pid namespace.
func hostNetns() uint32 {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) != nil || st.Ino != initialPIDNS {
		return initialNetns
	}
	inode, err := processNetns(1)
	if err != nil {
		return initialNetns
	}
	return inode
}

// processNetns is the inode of the namespace that the process is in.
func processNetns(pid uint32) (uint32, error) {
	return readNetns(procPath(pid, "ns/net"))
}

// readNetns is the inode of the namespace that the link of a process or thread names.
func readNetns(path string) (uint32, error) {
	link, err := os.Readlink(path)
	if err != nil {
		return 0, err
	}
	return parseLink(link)
}

// ownNetns is the inode of the namespace that this program is in; it does not leave it.
var ownNetns = sync.OnceValue(func() uint32 {
	link, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return 0 // there is no /proc, and no namespace with that number
	}
	inode, _ := parseLink(link)
	return inode
})

// fileNetns is the inode of the network namespace that a file stands for.
func fileNetns(path string) (uint32, error) {
	file, err := openNetns(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return fileInode(file)
}

// openNetns opens a file and makes sure that it is a network namespace,
// ioctl_nsfs(2).
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
		return 0, fmt.Errorf("stat %s: %w", file.Name(), err)
	}
	return uint32(st.Ino), nil
}

func procPath(pid uint32, name string) string {
	return filepath.Join("/proc", strconv.FormatUint(uint64(pid), 10), name)
}
