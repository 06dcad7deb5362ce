package netns

import (
	"bytes"
	"os"

	"github.com/porttrace/porttrace/internal/linux"
)

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
