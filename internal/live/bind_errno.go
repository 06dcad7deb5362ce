package live

import (
	"net/netip"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// maxKnownAddresses bounds the namespaces whose addresses are kept, and
	maxKnownAddresses = 256
	// maxBoundAddresses those of one that were bound.
	maxBoundAddresses = 64
)

// bindErrnos infers the errnos of bind() calls of which only the beginning was seen. That is
// read up to a few tenths of a second later, and so are the addresses of the namespace: they
// count only if they have not changed since the call began.
type bindErrnos struct {
	// addresses returns a test for the addresses of a namespace as they are now.
	addresses func(netns uint32) (func(netip.Addr) bool, error)
	// unchanged reports whether the addresses are still those of the stamp.
	unchanged func(event.AddressStamp) bool
	known     map[uint32]*knownAddresses
}

// knownAddresses is what is known of the addresses of a namespace.
type knownAddresses struct {
	stamp event.AddressStamp
	since event.Time            // they were these then already
	bound map[netip.Addr]bool   // a bind() to these has succeeded
	local func(netip.Addr) bool // nil: they were not read
}

// complete sets the errno and the reason of a bind() that failed, if they are not known yet.
func (b *bindErrnos) complete(e *event.Event) {
	stamp, _ := e.Fact.(*event.AddressStamp)
	e.Fact = nil
	addr := e.Src.Addr.IP()
	anywhere := addr.IsUnspecified() || addr.IsMulticast() // needs no address of the host
	switch {
	case e.Kind == event.BindFail && e.Errno == 0:
		b.infer(e, stamp, anywhere)
	case e.Kind == event.Bind && stamp != nil && !anywhere:
		if k := b.at(e, stamp); len(k.bound) < maxBoundAddresses {
			k.bound[addr] = true
		}
	}
}

// infer infers the errno. Of what __inet_bind() of net/ipv4/af_inet.c checks, the kernel side
// has ruled out the privileged port and the socket that is bound already; a foreign address
// comes next, and what remains is a port that another socket holds. If it is not known which
// addresses there were, neither is the errno.
func (b *bindErrnos) infer(e *event.Event, stamp *event.AddressStamp, anywhere bool) {
	e.Reason = event.OtherReason
	if !anywhere {
		local, known := b.isLocal(e, stamp)
		if !known {
			return
		}
		anywhere = local
	}
	if e.Errno = event.EADDRINUSE; !anywhere {
		e.Errno = event.EADDRNOTAVAIL
	}
	e.Reason = event.BindReason(e.Errno, e.Src.Port)
}

// isLocal reports whether the address of the call was local when the call began.
func (b *bindErrnos) isLocal(e *event.Event, stamp *event.AddressStamp) (local, known bool) {
	k := b.at(e, stamp)
	if k == nil {
		return false, false
	}
	if k.bound[e.Src.Addr.IP()] {
		return true, true
	}
	if k.local == nil {
		if !b.unchanged(k.stamp) {
			return false, false
		}
		now, err := b.addresses(e.Netns)
		if err != nil || !b.unchanged(k.stamp) {
			return false, false
		}
		k.local = now
	}
	return k.local(e.Src.Addr.IP()), true
}

// at returns what is known of the addresses of when the call began. Calls that come folded have
// no stamp: nil, if the addresses may have changed since the first of them.
func (b *bindErrnos) at(e *event.Event, stamp *event.AddressStamp) *knownAddresses {
	k := b.known[e.Netns]
	switch {
	case stamp == nil:
		if k == nil || e.First == 0 || k.since > e.First || !b.unchanged(k.stamp) {
			return nil
		}
	case k == nil || k.stamp != *stamp:
		if b.known == nil || len(b.known) >= maxKnownAddresses {
			b.known = map[uint32]*knownAddresses{}
		}
		k = &knownAddresses{stamp: *stamp, since: e.Time, bound: map[netip.Addr]bool{}}
		b.known[e.Netns] = k
	}
	return k
}
