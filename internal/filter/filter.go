// Package filter decides which events a user wants to see. A filter narrows the lists; the
// occupancy of port spaces is never filtered.
//
// Several values of one flag widen the choice, several flags narrow it. Flags has a row for
// each flag with its rule: a new filter is a field of Request and a row.
//
// A Request is what the user typed. Resolve makes of it what selects: in a live trace
// processes in the kernel and a Filter for the rest, in a recording a Filter for all.
package filter

import (
	"github.com/porttrace/porttrace/internal/event"
)

// Filter is a Request of numbers, ready to be matched. A nil Filter selects everything.
type Filter struct {
	rules []rule
	netns rule // of rules; nil: all namespaces
}

// rule reports whether one flag selects an event. The process is nil if it is not known.
type rule func(e *event.Event, p *event.Process) bool

// Parse returns the filter of a request that names namespaces by their inodes. It is nil if
// the request is empty. The error is one line that begins with the flag.
func Parse(r Request) (*Filter, error) {
	var f Filter
	for i := range Flags {
		values := *Flags[i].Values(&r)
		if len(values) == 0 {
			continue
		}
		rule, err := Flags[i].parse(values)
		if err != nil {
			return nil, err
		}
		f.rules = append(f.rules, rule)
		if Flags[i].Name == "netns" {
			f.netns = rule
		}
	}
	if err := r.contradiction(); err != nil || len(f.rules) == 0 {
		return nil, err
	}
	return &f, nil
}

// Match reports whether the filter selects an event of a socket. If the process is not
// known, p is nil, and no filter on its properties selects the event. Events of processes
// that the kernel did not select come with event.NotSelected, and stay left out.
func (f *Filter) Match(e *event.Event, p *event.Process) bool {
	if f == nil {
		return true
	}
	if e.Flags.Has(event.NotSelected) {
		return false
	}
	for _, selects := range f.rules {
		if !selects(e, p) {
			return false
		}
	}
	return true
}

// On returns the filter of a stream in which an event and its process are not what they were: before
// returns that, and the filter selects by it. Namespaces must have their inodes.
func (f *Filter) On(before func(e *event.Event, p *event.Process) (*event.Event, *event.Process)) *Filter {
	if f == nil {
		return nil
	}
	on := &Filter{netns: f.netns}
	for _, selects := range f.rules {
		on.rules = append(on.rules, func(e *event.Event, p *event.Process) bool { return selects(before(e, p)) })
	}
	return on
}

// SelectsAllOf reports whether the filter names a network namespace and selects all that is in it.
func (f *Filter) SelectsAllOf(inode uint32) bool {
	return f != nil && f.netns != nil && len(f.rules) == 1 && f.netns(&event.Event{Netns: inode}, nil)
}

// SelectsNetns reports whether the filter can select something in a network namespace.
func (f *Filter) SelectsNetns(inode uint32) bool {
	return f == nil || f.netns == nil || f.netns(&event.Event{Netns: inode}, nil)
}
