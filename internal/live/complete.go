package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// completeFrom completes the events from there on, and takes out those that are held.
func (s *Source) completeFrom(begin int) {
	kept := s.events[:begin]
	for i := begin; i < len(s.events); i++ {
		e := &s.events[i]
		s.complete(e)
		switch {
		case s.finWaits.hold(e):
		case len(kept) == i: // nothing was taken out so far
			kept = s.events[:i+1]
		default:
			kept = append(kept, *e)
		}
	}
	s.events = kept
}

// complete adds to an event what the kernel programs cannot know.
func (s *Source) complete(e *event.Event) {
	if e.Netns != 0 {
		s.around.seen[e.Netns] = true
	}
	switch e.Kind {
	case event.ProcessKnown:
		if p, ok := e.Fact.(*event.Process); ok {
			p.Container, p.Unit = procinfo.Identify(p.Cgroup)
		}
	case event.Listen:
		s.listeners.add(e)
	case event.BindFail:
		if e.Errno == 0 {
			s.inferBindErrno(e)
		}
	}
	if e.Direction == event.In {
		s.listeners.own(e)
		s.selectAccepted(e)
	}
}

// selectAccepted applies --pid to an accepted connection, of which the kernel side may
// not have known the owner in time. Its CLOSE_WAIT is its listener's.
func (s *Source) selectAccepted(e *event.Event) {
	if s.probe.Selected(e.Listener) {
		if !s.probe.Selected(e.Proc) {
			e.Proc = e.Listener
		}
		return
	}
	e.Flags &^= event.InCloseWait
	if e.Kind == event.EnterCloseWait || !s.probe.Selected(e.Proc) {
		e.Flags |= event.NotSelected
	}
}

// inferBindErrno says why a bind() failed of which only the beginning was seen. Of what
// __inet_bind() of net/ipv4/af_inet.c checks, the kernel side has ruled out the
// privileged port and the socket that is bound already; a foreign address comes next,
// and what remains is a port that somebody holds.
func (s *Source) inferBindErrno(e *event.Event) {
	e.Errno = event.EADDRINUSE
	if local, err := s.around.spaces.LocalAddrs(e.Netns); err == nil && !local(e.Src.Addr.IP()) {
		e.Errno = event.EADDRNOTAVAIL
	}
	e.Reason = event.BindReason(e.Errno, e.Src.Port)
}
