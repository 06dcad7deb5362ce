package netns

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// Tracking returns what only a thread in the namespace can read of its connection tracking:
// Max and NAT, and what stat is not known of: a kernel can lack /proc/net/stat/nf_conntrack
// (CONFIG_NF_CONNTRACK_PROCFS). It needs CAP_SYS_ADMIN, unless this program is in that
// namespace itself, and CAP_NET_ADMIN for NAT. Nothing is known of a kernel that does not
// track connections.
func (n *Namespaces) Tracking(inode uint32, stat event.Conntrack) (event.Conntrack, error) {
	if !readTrackingCount("nf_conntrack_max").Known() { // the file is in every namespace
		return event.Conntrack{}, nil
	}
	n.mu.Lock()
	tables, netlink := n.modules.has(nfTables), !stat.Entries.Known() && n.modules.has(ctNetlink)
	n.mu.Unlock()
	err := n.Inside(inode, func() error {
		stat.Max = readTrackingCount("nf_conntrack_max")
		if !stat.Entries.Known() {
			stat.Entries = readTrackingCount("nf_conntrack_count")
		}
		if netlink && stat.Entries.Known() {
			stat = dumpStats(stat)
		}
		stat.NAT = sourceNAT(tables)
		return nil
	})
	return stat, err
}

// readTrackingCount reads a number of /proc/sys/net/netfilter. It is not known if the kernel
// tracks no connections. nf_conntrack_max is one for the whole host.
func readTrackingCount(name string) event.Counter {
	text, err := os.ReadFile("/proc/sys/net/netfilter/" + name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 63)
	if err != nil {
		return 0
	}
	return event.CounterOf(n)
}

// dumpStats adds the counts of all processors, or nothing.
func dumpStats(to event.Conntrack) event.Conntrack {
	sum := to
	if err := dumpNetfilter(getStatsCPU, func(body []byte) { addConntrackStats(&sum, body) }); err != nil {
		return to
	}
	return sum
}

// sourceNAT returns whether the namespace of this thread can translate source addresses, by
// nf_tables and by the older iptables. What eBPF programs and IPVS do is not seen.
func sourceNAT(hasTables bool) event.Setting {
	legacy, err := legacyNAT()
	if err == nil && legacy {
		return event.SettingOf(1)
	}
	found := false
	if hasTables {
		dumped := dumpNetfilter(getChain, func(body []byte) { found = found || isSourceNAT(body) })
		err = errors.Join(err, dumped)
	}
	switch {
	case found:
		return event.SettingOf(1)
	case err != nil:
		return 0
	}
	return event.SettingOf(0)
}

// legacyNAT reports whether iptables of before nf_tables has a rule for source NAT.
func legacyNAT() (bool, error) {
	for _, family := range []struct {
		tables        string
		domain, level int
	}{
		{"/proc/thread-self/net/ip_tables_names", unix.AF_INET, unix.SOL_IP},
		{"/proc/thread-self/net/ip6_tables_names", unix.AF_INET6, unix.SOL_IPV6},
	} {
		names, err := os.ReadFile(family.tables)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Contains(append([]byte("\n"), names...), []byte("\nnat\n")) {
			continue
		}
		if err != nil {
			return false, err
		}
		if found, err := hasPostroutingRule(family.domain, family.level); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// tableInfo is struct ipt_getinfo of include/uapi/linux/netfilter_ipv4/ip_tables.h.
type tableInfo struct {
	name       [32]byte
	validHooks uint32
	hookEntry  [5]uint32 // where the chain of a hook begins
	underflow  [5]uint32 // where its policy is, after all rules
	entries    uint32
	size       uint32
}

const getTableInfo = 64 // IPT_SO_GET_INFO and IP6T_SO_GET_INFO

// hasPostroutingRule reports whether the chain POSTROUTING of the table "nat" has a rule. The
// table must exist: else the kernel would make it.
func hasPostroutingRule(domain, level int) (bool, error) {
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	info := tableInfo{}
	copy(info.name[:], "nat")
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), getTableInfo,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return false, os.NewSyscallError("getsockopt", errno)
	}
	return info.hookEntry[postrouting] != info.underflow[postrouting], nil
}
