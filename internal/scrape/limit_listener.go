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
	// maxConns bounds the connections to one address of the server: each takes some 20 kB.
	maxConns = 128
	// maxFromOne bounds those from one address, this host's own too: no client takes all.
	maxFromOne = 96
	// grace is for how long a client may let the server wait without being closed. A request that is sent at
	// once takes a round trip with TLS; under a flood maxFromOne clients an address come in within each.
	grace = 100 * time.Millisecond
	// retryEvery is how often a new connection is tried again while none may be closed for it.
	retryEvery = 10 * time.Millisecond
)

// limitListener bounds the connections that are open. For a new one beyond the bound, that of the client which has let
// the server wait for longest is closed: idle and slow clients cannot shut out one that sends its request at once.
type limitListener struct {
	net.Listener
	closed chan struct{}
	close  sync.Once

	mu    sync.Mutex
	conns map[*clientConn]struct{}
}

// clientConn is a connection that a limitListener has accepted.
type clientConn struct {
	net.Conn
	listener *limitListener
	from     netip.Prefix

	// Guarded by listener.mu.
	busy    bool      // the answer to a complete request is being made
	awaited time.Time // since when the client is waited for, if it is not busy
}

func newLimitListener(l net.Listener) *limitListener {
	return &limitListener{Listener: l, closed: make(chan struct{}), conns: map[*clientConn]struct{}{}}
}

// Accept returns the next connection once there is room for it.
func (l *limitListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &clientConn{Conn: c, listener: l, from: sourceOf(c)}
	for !l.admit(g) {
		select {
		case <-time.After(retryEvery):
		case <-l.closed:
			_ = c.Close()
			return nil, net.ErrClosed
		}
	}
	return g, nil
}

func (l *limitListener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// admit makes room for a new connection by closing another one if need be. It reports whether there is room.
func (l *limitListener) admit(g *clientConn) bool {
	g.awaited = time.Now()
	slowest, ok := l.replace(g)
	if slowest == nil {
		return ok
	}
	if c, isTCP := slowest.Conn.(*net.TCPConn); isTCP {
		_ = c.SetLinger(0) // no TIME_WAIT for each connection of a flood
	}
	_ = slowest.Conn.Close()
	return ok
}

// replace counts a new connection in if there is room, or in place of the one that it returns, which must be closed.
func (l *limitListener) replace(g *clientConn) (out *clientConn, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var own int
	var slowest, slowestOwn *clientConn
	for other := range l.conns {
		slowest = slowerOf(slowest, other)
		if other.from == g.from {
			own++
			slowestOwn = slowerOf(slowestOwn, other)
		}
	}
	switch {
	case own >= maxFromOne:
		out = slowestOwn
	case len(l.conns) >= maxConns:
		out = slowest
	default:
		l.conns[g] = struct{}{}
		return nil, true
	}
	if out == nil || g.awaited.Sub(out.awaited) < grace {
		return nil, false
	}
	delete(l.conns, out)
	l.conns[g] = struct{}{}
	return out, true
}

// slowerOf returns the one of two that has let the server wait for longer; nil and the busy have not.
func slowerOf(a, b *clientConn) *clientConn {
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
func (g *clientConn) asks() {
	g.listener.mu.Lock()
	defer g.listener.mu.Unlock()
	g.busy = true
}

// Write sends a part of an answer. From the first one on the client is waited for: to read it, then to ask again.
func (g *clientConn) Write(b []byte) (int, error) {
	g.listener.mu.Lock()
	if g.busy {
		g.busy, g.awaited = false, time.Now()
	}
	g.listener.mu.Unlock()
	return g.Conn.Write(b)
}

func (g *clientConn) Close() error {
	g.listener.mu.Lock()
	delete(g.listener.conns, g)
	g.listener.mu.Unlock()
	return g.Conn.Close()
}

// connKey is that of the clientConn in the context of its requests.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// markingRequests notes with the connection of each request that it is complete.
func markingRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(connKey{}).(*clientConn); ok {
			g.asks()
		}
		next.ServeHTTP(w, r)
	})
}
