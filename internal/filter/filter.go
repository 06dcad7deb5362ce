// Package filter decides which events a user wants to see. A filter narrows what
// is listed; what a port space counts is never filtered.
//
// Several values of one flag widen the choice, several flags narrow it.
package filter

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// Spec is a filter as it is given on the command line.
type Spec struct {
	PIDs      []uint32
	Children  bool // the descendants of PIDs too
	Comm      []string
	Exe       []string
	Container []string
	Unit      []string
	Cgroup    []string
	Dest      []string
	Port      []string
	Netns     []uint32
}

// Filter is a parsed Spec. A nil Filter selects everything.
type Filter struct {
	pids     []uint32
	children bool
	netns    []uint32
	dests    []dest
	ports    []uint16
	process  []func(*event.Process) bool
}

// Parse checks a Spec. The error is one line that begins with the flag and says
// what is wrong with it. An empty Spec gives a nil Filter.
func Parse(spec Spec) (*Filter, error) {
	f := &Filter{pids: spec.PIDs, children: spec.Children, netns: spec.Netns}
	if err := checkPIDs(spec); err != nil {
		return nil, err
	}
	var err error
	if f.dests, err = parseDests(spec.Dest); err != nil {
		return nil, err
	}
	if f.ports, err = parsePorts(spec.Port); err != nil {
		return nil, err
	}
	if err := checkPorts(spec, f.dests, f.ports); err != nil {
		return nil, err
	}
	if f.process, err = parseProcess(spec); err != nil {
		return nil, err
	}
	if f.empty() {
		return nil, nil
	}
	return f, nil
}

func (f *Filter) empty() bool {
	return len(f.pids)+len(f.netns)+len(f.dests)+len(f.ports)+len(f.process) == 0
}

// Pushdown is the part that the kernel can decide: the processes, and whether
// their descendants are meant too. No pids mean all processes.
func (f *Filter) Pushdown() (pids []uint32, children bool) {
	if f == nil {
		return nil, false
	}
	return slices.Clone(f.pids), f.children
}

// Match reports whether the filter selects an event of a socket. p is what is
// known of its process, nil where nothing is: then no filter on the process's
// properties selects it. Who is a descendant only the kernel side knows, which
// marks the events of others with event.NotSelected.
func (f *Filter) Match(e *event.Event, p *event.Process) bool {
	if f == nil {
		return true
	}
	return !e.Flags.Has(event.NotSelected) &&
		f.matchPID(e) &&
		(len(f.netns) == 0 || slices.Contains(f.netns, e.Netns)) &&
		f.matchDest(e) &&
		f.matchPort(e) &&
		f.matchProcess(p)
}

func (f *Filter) matchPID(e *event.Event) bool {
	return len(f.pids) == 0 || f.children || slices.Contains(f.pids, e.Proc.PID)
}

// matchDest knows only destinations that this host chose: a bind has none, and an
// accepted connection was made towards this host.
func (f *Filter) matchDest(e *event.Event) bool {
	if len(f.dests) == 0 {
		return true
	}
	if !hasDest(e) {
		return false
	}
	return slices.ContainsFunc(f.dests, func(d dest) bool { return d.contains(e.Dst) })
}

// matchPort compares the port that stands for a service: the remote one of an
// outgoing connection, the local one of a bind or an accepted connection. A
// connection that was there before the start can be either.
func (f *Filter) matchPort(e *event.Event) bool {
	if len(f.ports) == 0 {
		return true
	}
	remote, local := slices.Contains(f.ports, e.Dst.Port), slices.Contains(f.ports, e.Src.Port)
	switch {
	case e.Kind == event.Close && e.Direction == event.Unknown:
		return remote || local
	case hasDest(e):
		return remote
	default:
		return local
	}
}

func hasDest(e *event.Event) bool {
	return e.Kind != event.Bind && e.Kind != event.BindFail && e.Direction != event.In
}

func (f *Filter) matchProcess(p *event.Process) bool {
	if len(f.process) == 0 {
		return true
	}
	if p == nil {
		return false
	}
	return !slices.ContainsFunc(f.process, func(match func(*event.Process) bool) bool { return !match(p) })
}
