package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// completer adds to events what the kernel programs cannot know.
type completer struct {
	listeners *listeners
	finWaits  *finWaits
	known     map[uint32]bool // namespaces: those of events become known
	vrfs      *vrfs           // nil: no one asks for them
	// selected reports whether --pid selects the process, nil: it selects all.
	selected func(event.ProcID) bool
	binds    bindErrnos
	// cgroup returns the cgroup of a process in any hierarchy, nil: the host has the unified
	// one alone, which the kernel side reports.
	cgroup func(event.ProcID) string
	// describer adds what only /proc has.
	describer describer
	unnamed   unnamed
}

// completeFrom completes the events from begin on. It returns the events without those that
// are held until their bucket is looked up.
func (c *completer) completeFrom(events []event.Event, begin int) []event.Event {
	kept := events[:begin]
	for i := begin; i < len(events); i++ {
		e := &events[i]
		c.complete(e)
		switch {
		case c.finWaits.hold(e):
		case len(kept) == i: // nothing was taken out so far
			kept = events[:i+1]
		default:
			kept = append(kept, *e)
		}
	}
	return kept
}

func (c *completer) complete(e *event.Event) {
	if e.Netns != 0 {
		c.known[e.Netns] = true
	}
	if e.Device != 0 && c.vrfs != nil {
		c.vrfs.note(e.Netns, e.Device)
	}
	switch e.Kind {
	case event.ProcessKnown:
		if p, ok := e.Fact.(*event.Process); ok {
			c.identify(p)
			c.describer.complete(p)
			c.unnamed.note(p)
		}
	case event.Listen:
		c.listeners.add(e)
	case event.Bind, event.BindFail:
		c.binds.complete(e)
	}
	if e.Direction == event.In {
		c.listeners.complete(e)
		c.selectAccepted(e)
	}
}

// identify derives container and unit from the cgroup.
func (c *completer) identify(p *event.Process) {
	p.Container, p.Unit = procinfo.Identify(p.Cgroup)
	if p.Container != "" || c.cgroup == nil {
		return
	}
	if path := c.cgroup(p.ID); path != "" {
		p.Cgroup = path
		p.Container, p.Unit = procinfo.Identify(path)
	}
}

// selectAccepted applies --pid to an accepted connection, whose owner the kernel side may
// not have known in time. Its CLOSE_WAIT is its listener's.
func (c *completer) selectAccepted(e *event.Event) {
	switch {
	case c.selected == nil:
	case c.selected(e.Listener):
		if e.Proc != e.Listener && !c.selected(e.Proc) {
			e.Proc = e.Listener
		}
	default:
		e.Flags &^= event.InCloseWait
		if e.Kind == event.EnterCloseWait || !c.selected(e.Proc) {
			e.Flags |= event.NotSelected
		}
	}
}
