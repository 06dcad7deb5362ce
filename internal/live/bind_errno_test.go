package live

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// The addresses of a namespace can change between a bind() and the moment at which its errno is
// inferred: then it is not known, unless something else shows which addresses there were.
func TestBindErrno(t *testing.T) {
	t.Parallel()
	mine := netip.MustParseAddr("fd00::1")
	now := event.AddressStamp{Net: 1, Generation: 5}
	there, gone := true, false
	b := bindErrnos{
		addresses: func(uint32) (func(netip.Addr) bool, error) {
			if gone {
				return nil, errors.New("no process leads to it")
			}
			has := there
			return func(a netip.Addr) bool { return has && a == mine }, nil
		},
		unchanged: func(s event.AddressStamp) bool { return s == now },
	}
	call := func(kind event.Kind, at event.Time, addr string, generation uint32) event.Event {
		e := event.Event{Kind: kind, Time: at, Netns: 9, Op: event.OpBind}
		e.Src = event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr(addr)), Port: 80}
		e.Fact = &event.AddressStamp{Net: 1, Generation: generation}
		return e
	}
	want := func(what string, e event.Event, errno event.Errno, reason event.Reason) {
		t.Helper()
		b.complete(&e)
		if e.Errno != errno || e.Reason != reason || e.Fact != nil {
			t.Errorf("%s: %s %s, %v; want %s %s", what, e.Errno, e.Reason, e.Fact, errno, reason)
		}
	}
	want("an address that was tentative", call(event.BindFail, 1, "fd00::1", 4), 0, event.OtherReason)
	want("any address", call(event.BindFail, 2, "::", 4), event.EADDRINUSE, event.PortTaken)
	want("a local address", call(event.BindFail, 3, "fd00::1", 5), event.EADDRINUSE, event.PortTaken)
	want("a foreign address", call(event.BindFail, 4, "fd00::2", 5), event.EADDRNOTAVAIL, event.ForeignAddress)
	folded := call(event.BindFail, 9, "fd00::1", 5)
	folded.Fact, folded.First = nil, 5
	want("folded, the addresses are still the same", folded, event.EADDRINUSE, event.PortTaken)

	now.Generation, there = 6, false // deleted
	want("folded, the addresses have changed", folded, 0, event.OtherReason)
	want("reported late, the addresses were read in time", call(event.BindFail, 3, "fd00::1", 5), event.EADDRINUSE, event.PortTaken)
	want("not there any more", call(event.BindFail, 10, "fd00::1", 6), event.EADDRNOTAVAIL, event.ForeignAddress)

	now.Generation, gone = 7, true
	want("of a namespace that is gone", call(event.BindFail, 11, "fd00::1", 7), 0, event.OtherReason)
	want("that succeeds", call(event.Bind, 12, "fd00::3", 7), 0, 0)
	want("to where another has succeeded", call(event.BindFail, 13, "fd00::3", 7), event.EADDRINUSE, event.PortTaken)
}
