package confine

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Mode says how much is given up.
type Mode string

const (
	Drop  Mode = "drop"  // what is not needed any more
	Least Mode = "least" // also what only other network namespaces and NAT are read with
	Keep  Mode = "keep"  // nothing
)

// Modes are those that a user can choose, the default first.
var Modes = []Mode{Drop, Least, Keep}

// Capability is one that a run has or could use, capabilities(7).
type Capability struct {
	Name string
	For  string // what it is for
	Held bool   // this process has it
	Drop bool   // mode Drop keeps it
	Last bool   // mode Least keeps it
}

type use struct {
	value cap.Value
	what  string
	least bool
}

// needs are the capabilities that are used after attaching.
var needs = []use{
	{cap.BPF, "to read maps and to make those that counts go to in turn", true},
	{cap.SYS_PTRACE, "to see the executable and the network namespace of other users' processes", true},
	{cap.DAC_READ_SEARCH, "to list the open files of other users' processes", true},
	{cap.SYS_ADMIN, "to enter other network namespaces: sockets, settings, buckets in them", false},
	{cap.NET_ADMIN, "to attach to cgroups, and to see whether a namespace translates source addresses", false},
}

// attaching is what only attaching needs.
var attaching = []use{
	{cap.PERFMON, "to attach", false},
	{cap.SYS_RESOURCE, "to lift the limit of locked memory, which maps are before Linux 5.11", false},
}

// Capabilities returns those that tracing uses, and how many others this process has.
func Capabilities() (list []Capability, others int) {
	held := cap.GetProc()
	has := func(v cap.Value) bool {
		is, err := held.GetFlag(cap.Permitted, v)
		return err == nil && is
	}
	for _, n := range needs {
		list = append(list, Capability{name(n.value), n.what, has(n.value), true, n.least})
	}
	for _, n := range attaching {
		list = append(list, Capability{Name: name(n.value), For: n.what, Held: has(n.value)})
	}
	for v := range cap.MaxBits() {
		if has(v) && !slices.ContainsFunc(slices.Concat(needs, attaching), func(n use) bool { return n.value == v }) {
			others++
		}
	}
	return list, others
}

func name(v cap.Value) string { return strings.ToUpper(v.String()) }

// keeps returns the capabilities that a run goes on with, of those that it has.
func keeps(o *Options) []cap.Value {
	var wanted []cap.Value
	for _, n := range needs {
		if n.least || o.Mode != Least {
			wanted = append(wanted, n.value)
		}
	}
	if o.Child && o.User != nil { // of another user by then
		wanted = append(wanted, cap.KILL)
	}
	if o.User == nil && unix.Geteuid() == 0 && slices.ContainsFunc(o.Dirs, needsOverride) {
		wanted = append(wanted, cap.DAC_OVERRIDE)
	}
	return heldOf(wanted)
}

// heldOf returns those that this process has.
func heldOf(wanted []cap.Value) []cap.Value {
	held := cap.GetProc()
	return slices.DeleteFunc(wanted, func(v cap.Value) bool {
		has, err := held.GetFlag(cap.Permitted, v)
		return err != nil || !has
	})
}

// dropCapabilities leaves those to the process, and, with no_new_privs, none to any program that it starts.
func dropCapabilities(kept []cap.Value) error {
	if err := cap.ResetAmbient(); err != nil {
		return err
	}
	set := cap.NewSet()
	for _, flag := range []cap.Flag{cap.Permitted, cap.Effective} {
		if err := set.SetFlag(flag, true, kept...); err != nil {
			return err
		}
	}
	return set.SetProc()
}

// emptyBounds empties the set of capabilities that the process could ever get again. Without
// CAP_SETPCAP it cannot, and no_new_privs has to do.
func emptyBounds() error {
	set := cap.GetProc()
	if may, err := set.GetFlag(cap.Permitted, cap.SETPCAP); err != nil || !may {
		return err
	}
	if err := set.SetFlag(cap.Effective, true, cap.SETPCAP); err != nil {
		return err
	}
	if err := set.SetProc(); err != nil { // a change of the user has cleared it
		return err
	}
	for v := range cap.MaxBits() { // each stops all threads for a moment
		if in, err := cap.GetBound(v); err == nil && !in {
			continue
		}
		if err := cap.DropBound(v); err != nil {
			return err
		}
	}
	return nil
}
