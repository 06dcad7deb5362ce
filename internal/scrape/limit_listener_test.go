package scrape

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestSlowClients: whatever slow clients of the same address do, each request that is sent at once is answered.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{
		"nothing":       "",
		"half a header": "GET /metrics HTTP/1.1\r\n",
		"no reader":     "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			views := newViews(func() time.Time { return now }) // no time passes: the stream never stands still
			views.Made()
			url := serving(t, large(), views, "")
			flood(t, strings.TrimPrefix(url, "http://"), sent)
			for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
				client := clientFrom(from)
				for i := range 6 {
					path := []string{"/healthz", "/metrics"}[i%2]
					if status, _ := get(t, client, url+path); status != http.StatusOK {
						t.Errorf("%s from %s: %d", path, from, status)
					}
				}
			}
		})
	}
}

// large gathers as much as a busy host has.
func large() *gatherer {
	registry := prometheus.NewRegistry()
	help := strings.Repeat("Ports. ", 30_000)
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "porttrace_test_ports", Help: help}, func() float64 { return 42 }))
	return &gatherer{Gatherer: registry}
}

// flood has 200 clients connect, send something and wait until they are closed, until the test ends.
func flood(t *testing.T, address, sent string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wait, connected sync.WaitGroup
	for range 200 {
		connected.Add(1)
		wait.Go(func() {
			done := sync.OnceFunc(connected.Done)
			defer done()
			for ctx.Err() == nil {
				c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { c.Close() })
				_, _ = io.WriteString(c, sent)
				done()
				awaitEnd(ctx, c, sent)
				stop()
				c.Close()
			}
		})
	}
	t.Cleanup(func() { cancel(); wait.Wait() })
	connected.Wait()
}

// awaitEnd waits until the server has closed the connection. One that asks for an answer reads nothing of it, and finds
// out by sending more.
func awaitEnd(ctx context.Context, c net.Conn, sent string) {
	if !strings.HasSuffix(sent, "\r\n\r\n") {
		_, _ = c.Read(make([]byte, 1))
		return
	}
	for ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		if _, err := io.WriteString(c, "G"); err != nil {
			return
		}
	}
}

// clientFrom returns a client of an address of this host, with a connection for each request.
func clientFrom(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}}
}

// TestOneAddressTakesNotAll: idle clients of one address do not end the idle connection of another.
func TestOneAddressTakesNotAll(t *testing.T) {
	t.Parallel()
	views := NewViews()
	url := serving(t, newGatherer(), views, "")
	address := strings.TrimPrefix(url, "http://")
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
	kept, err := dialer.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	ask(t, kept)
	flood(t, address, "")
	time.Sleep(3 * grace)
	ask(t, kept)
}

// ask sends a request by a connection that stays.
func ask(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Error(answer.Status)
	}
}

// TestReplace: which connection is closed for a new one.
func TestReplace(t *testing.T) {
	t.Parallel()
	now := time.Now()
	one, other := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32")
	for _, tc := range []struct {
		name string
		own  int // connections from the address of the new one, each a second younger than the one before
		all  int
		busy int           // the first ones
		ages time.Duration // that of the youngest
		out  int           // -1: none
		ok   bool
	}{
		{"free", maxFromOne - 1, maxConns - 1, 0, 0, -1, true},
		{"full", 10, maxConns, 0, time.Second, 0, true},
		{"its address is full", maxFromOne, maxFromOne + 1, 0, time.Second, 1, true},
		{"the slowest ones are busy", 10, maxConns, 3, time.Second, 3, true},
		{"all are busy", 10, maxConns, maxConns, time.Second, -1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newLimitListener(nil)
			conns := make([]*clientConn, tc.all)
			for i := range conns {
				from := other
				if i >= tc.all-tc.own {
					from = one
				}
				conns[i] = &clientConn{from: from, busy: i < tc.busy, awaited: now.Add(-tc.ages - time.Duration(tc.all-i)*time.Second)}
				p.conns[conns[i]] = struct{}{}
			}
			fresh := &clientConn{from: one, awaited: now}
			out, ok := p.replace(fresh)
			var want *clientConn
			if tc.out >= 0 {
				want = conns[tc.out]
			}
			if out != want || ok != tc.ok {
				t.Errorf("%v %t", out, ok)
			}
			if _, has := p.conns[fresh]; has != tc.ok || len(p.conns) > maxConns {
				t.Errorf("is counted: %t, of %d", has, len(p.conns))
			}
		})
	}
	p := newLimitListener(nil)
	for range maxFromOne {
		p.conns[&clientConn{from: one, awaited: now}] = struct{}{}
	}
	if out, ok := p.replace(&clientConn{from: one, awaited: now.Add(grace / 2)}); out != nil || ok {
		t.Error("a client was closed within the grace")
	}
}

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"10.0.0.1:80": "10.0.0.1/32", "[::ffff:10.0.0.1]:80": "10.0.0.1/32", "[2001:db8::1:2:3:4]:80": "2001:db8::/64", "[fe80::1%eth0]:80": "fe80::/64",
	} {
		tcp := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
		if got := sourceOf(remote{addr: tcp}).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// remote is a connection of which only the other end is asked.
type remote struct {
	net.Conn
	addr net.Addr
}

func (r remote) RemoteAddr() net.Addr { return r.addr }
