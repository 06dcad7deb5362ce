package event

import (
	"net/netip"
	"testing"
)

func end(s string) Endpoint {
	ap := netip.MustParseAddrPort(s)
	return Endpoint{Addr: AddrFrom(ap.Addr()), Port: ap.Port()}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		end        Endpoint
		text, host string
		known, is4 bool
	}{
		{end("10.0.0.2:80"), "10.0.0.2:80", "10.0.0.2", true, true},
		{end("[::ffff:10.0.0.2]:80"), "10.0.0.2:80", "10.0.0.2", true, true},
		{end("[fd00::2]:443"), "[fd00::2]:443", "fd00::2", true, false},
		{end("0.0.0.0:443"), "0.0.0.0:443", "0.0.0.0", true, true},
		{end("0.0.0.0:0"), "0.0.0.0:0", "0.0.0.0", true, true},
		{end("[::]:443"), "[::]:443", "::", true, false},
		{Endpoint{Port: 443}, "[::]:443", "::", true, false},
		{Endpoint{}, "[::]:0", "", false, false},
	} {
		if got := tc.end.String(); got != tc.text {
			t.Errorf("String = %s, want %s", got, tc.text)
		}
		if got := tc.end.Host(); got != tc.host {
			t.Errorf("Host of %s = %q, want %q", tc.text, got, tc.host)
		}
		if tc.end.Known() != tc.known || tc.end.Addr.Is4() != tc.is4 {
			t.Errorf("%s: known %v, IPv4 %v", tc.text, tc.end.Known(), tc.end.Addr.Is4())
		}
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		src, dst Endpoint
		want     int
	}{
		{end("10.0.0.1:1"), end("10.0.0.2:80"), 4},
		{Endpoint{}, end("10.0.0.2:80"), 4},
		{Endpoint{}, end("[fd00::2]:80"), 6},
		{end("0.0.0.0:80"), Endpoint{}, 4},
		{end("[::]:80"), Endpoint{}, 6},
		{end("[::]:80"), end("[::ffff:10.0.0.2]:80"), 4},
	} {
		e := Event{Src: tc.src, Dst: tc.dst}
		if got := e.Family(); got != tc.want {
			t.Errorf("%s to %s is IPv%d", tc.src, tc.dst, got)
		}
	}
}
