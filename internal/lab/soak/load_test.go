package soak

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

var (
	listened = netip.MustParseAddrPort("127.0.0.1:80")
	refusing = netip.MustParseAddrPort("127.0.0.1:81")
	anyPort  = netip.MustParseAddrPort("127.0.0.1:0")
)

const (
	destinations = 250
	shortLived   = "soak-short" // the program of comeAndGo
)

// load makes, for a time: connections that end in TIME_WAIT, failures, early binds, and programs and
// namespaces that live for milliseconds.
func load(t *testing.T, duration time.Duration) {
	t.Helper()
	n, err := lab.NewStormNetns()
	noError(t, err)
	defer func() { noError(t, n.Close()) }()
	serving := duration + time.Minute
	server, err := n.Serve("soak-server", lab.Server{Listen: []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), listened.Port())}, Mode: lab.Echo, For: serving})
	noError(t, err)
	defer server.Stop()
	var many []netip.AddrPort
	for i := range destinations {
		many = append(many, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 1, byte(i)}), listened.Port()))
	}
	jobs := map[string]lab.Job{
		"soak-churn":   &lab.Client{To: many, Rate: 500, Talk: true, For: duration},
		"soak-refused": &lab.Client{To: []netip.AddrPort{refusing}, Rate: 50, For: duration},
		"soak-early":   &lab.Client{To: []netip.AddrPort{listened}, Socket: lab.Socket{Bind: anyPort}, Rate: 50, For: duration},
	}
	for name, job := range jobs {
		p, err := n.Spawn(name, job)
		noError(t, err)
		defer p.Stop()
	}
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	for every(ctx, 150*time.Millisecond) {
		noError(t, comeAndGo())
	}
}

// comeAndGo makes a namespace and a program in it, which tries one connection.
func comeAndGo() error {
	n, err := lab.NewNetns()
	if err != nil {
		return err
	}
	var result lab.Result
	err = n.Run(shortLived, &lab.Client{To: []netip.AddrPort{refusing}, Count: 1}, &result)
	if err != nil {
		_ = n.Close() // the first error is the reason
		return err
	}
	return n.Close()
}

// every waits, and returns false once the context is done.
func every(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
