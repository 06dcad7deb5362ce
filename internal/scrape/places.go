package scrape

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxGuests bounds the connections to one address of the server: each takes some 20 kB.
	maxGuests = 128
	// maxFromOne bounds those from one address, this host's own too: no client takes all.
	maxFromOne = 96
	// grace is for how long a client may let the server wait and be sure of its place. A request that is sent at
	// once takes a round trip with TLS; under a flood maxFromOne clients an address come in within each.
	grace = 100 * time.Millisecond
	// roomEvery is how often a newcomer looks for a place while no one may be closed.
	roomEvery = 10 * time.Millisecond
)

// places is a listener with few places. If there is none for a newcomer, the client that has let the server wait for
// longest loses its own: idle and slow ones cannot shut out one that asks at once.
type places struct {
	net.Listener
	closed chan struct{}
	close  sync.Once

	mu     sync.Mutex
	guests map[*guest]struct{}
}

// guest is a connection with a place.
type guest struct {
	net.Conn
	places *places
	from   netip.Prefix

	// Guarded by places.mu.
	busy    bool      // the answer to a complete request is being made
	awaited time.Time // since when the client is waited for, if it is not busy
}

func newPlaces(l net.Listener) *places {
	return &places{Listener: l, closed: make(chan struct{}), guests: map[*guest]struct{}{}}
}

// Accept returns the next connection once there is a place for it.
func (p *places) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: c, places: p, from: sourceOf(c)}
	for !p.enter(g) {
		select {
		case <-time.After(roomEvery):
		case <-p.closed:
			_ = c.Close()
			return nil, net.ErrClosed
		}
	}
	return g, nil
}

func (p *places) Close() error {
	p.close.Do(func() { close(p.closed) })
	return p.Listener.Close()
}

// enter gives the newcomer a place, that of another client if need be. It reports whether there was one.
func (p *places) enter(g *guest) bool {
	g.awaited = time.Now()
	loser, ok := p.seat(g)
	if loser == nil {
		return ok
	}
	if c, isTCP := loser.Conn.(*net.TCPConn); isTCP {
		_ = c.SetLinger(0) // no TIME_WAIT for each connection of a flood
	}
	_ = loser.Conn.Close()
	return ok
}

// seat takes a free place for the newcomer, or that of the client that it returns.
func (p *places) seat(g *guest) (loser *guest, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var own int
	var slowest, slowestOwn *guest
	for other := range p.guests {
		slowest = slowerOf(slowest, other)
		if other.from == g.from {
			own++
			slowestOwn = slowerOf(slowestOwn, other)
		}
	}
	switch {
	case own >= maxFromOne:
		loser = slowestOwn
	case len(p.guests) >= maxGuests:
		loser = slowest
	default:
		p.guests[g] = struct{}{}
		return nil, true
	}
	if loser == nil || g.awaited.Sub(loser.awaited) < grace {
		return nil, false
	}
	delete(p.guests, loser)
	p.guests[g] = struct{}{}
	return loser, true
}

// slowerOf returns the one of two that has let the server wait for longer; nil and the busy have not.
func slowerOf(a, b *guest) *guest {
	if b.busy || a != nil && !b.awaited.Before(a.awaited) {
		return a
	}
	return b
}

// sourceOf returns where a connection is from: an address, of IPv6 the network that one host may have all of.
func sourceOf(c net.Conn) netip.Prefix {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	addr := from.Addr().Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked()
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}

// asks notes that the client has sent a complete request: it is the server's turn.
func (g *guest) asks() {
	g.places.mu.Lock()
	defer g.places.mu.Unlock()
	g.busy = true
}

// Write sends a part of an answer. From the first one on the client is waited for: to read it, then to ask again.
func (g *guest) Write(b []byte) (int, error) {
	g.places.mu.Lock()
	if g.busy {
		g.busy, g.awaited = false, time.Now()
	}
	g.places.mu.Unlock()
	return g.Conn.Write(b)
}

func (g *guest) Close() error {
	g.places.mu.Lock()
	delete(g.places.guests, g)
	g.places.mu.Unlock()
	return g.Conn.Close()
}

// guestKey is that of the guest in the context of its requests.
type guestKey struct{}

func withGuest(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, c)
}

// noting has the guest of each request note that it is complete.
func noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(guestKey{}).(*guest); ok {
			g.asks()
		}
		next.ServeHTTP(w, r)
	})
}
