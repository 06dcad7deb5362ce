package netns

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/linux"
)

// maxDump bounds the datagrams of one dump: 10,000 chains take some 100 of them.
const maxDump = 1 << 12

// dumpNetfilter calls f with the body of each message that a dump of netfilter lists in the
// namespace of this thread. It needs CAP_NET_ADMIN there. The kernel loads the module that
// answers: whether it is there must be known before, see modules.
func dumpNetfilter(kind uint16, f func(body []byte)) error {
	var anyFamily [nfGenLen]byte // version 0
	if err := dumpNetlink(unix.NETLINK_NETFILTER, kind, anyFamily[:], f); err != nil {
		return fmt.Errorf("asking netfilter: %w", err)
	}
	return nil
}

// dumpNetlink calls f with the body of each message that a part of the kernel answers in the
// namespace of this thread, to a request with that body.
func dumpNetlink(protocol int, kind uint16, body []byte, f func(body []byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	request := make([]byte, nlHeaderLen, nlHeaderLen+len(body))
	binary.NativeEndian.PutUint32(request, uint32(cap(request)))
	binary.NativeEndian.PutUint16(request[4:], kind)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, body...)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	buf := make([]byte, 64<<10)
	for range maxDump {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if done, err := readDump(buf[:n], f); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d answers", maxDump)
}

// readDump reads a datagram of a dump, and reports whether it was the last one.
func readDump(b []byte, f func(body []byte)) (done bool, err error) {
	err = eachMessage(b, func(kind, flags uint16, body []byte) error {
		switch {
		case flags&nlInterrupted != 0:
			return unix.EINTR
		case kind == nlDone:
			done = true
		case kind == nlError && len(body) >= 4:
			return unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
		default:
			f(body)
		}
		return nil
	})
	return done, err
}

// A module of the kernel, and a function of it.
type module struct{ name, function string }

var (
	nfTables  = module{"nf_tables", "nf_tables_getchain"}
	ctNetlink = module{"nf_conntrack_netlink", "ctnetlink_stat_ct_cpu"}
	vrfModule = module{"vrf", "vrf_newlink"}
)

// builtIn reports whether the module is a part of the kernel itself, which cannot change.
func builtIn(m module) bool {
	_, release := linux.Uname()
	list, err := os.ReadFile("/lib/modules/" + release + "/modules.builtin")
	if err == nil {
		return bytes.Contains(list, []byte("/"+m.name+".ko"))
	}
	return hasFunction(m.function)
}

// hasFunction reports whether the kernel without its modules has the function. Its types have the
// names of all functions, each between two zero bytes, and are read in a twentieth of the time
// that the list of symbols takes, which would be the longest part of the start.
func hasFunction(name string) bool {
	types, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err == nil {
		return bytes.Contains(types, []byte("\x00"+name+"\x00"))
	}
	symbols, err := os.ReadFile("/proc/kallsyms")
	return err == nil && bytes.Contains(symbols, []byte(" "+name+"\n"))
}

// modules remembers which modules are built in: to find out takes some 5 ms.
type modules map[module]bool

// has reports whether the kernel has the module now, so that asking it does not load it.
func (m modules) has(which module) bool {
	if _, err := os.Stat("/sys/module/" + which.name); err == nil {
		return true
	}
	is, known := m[which]
	if !known {
		is = builtIn(which)
		m[which] = is
	}
	return is
}
