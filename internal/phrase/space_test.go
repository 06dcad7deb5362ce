package phrase

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestUDPSpace: a port space of UDP is named as such, whatever allocates from it.
func TestUDPSpace(t *testing.T) {
	t.Parallel()
	s := snapshot.PortSpace{Kind: snapshot.BindSpace, Proto: event.UDP, Local: at("10.0.0.1", 0).Addr}
	if got, want := Space(&s), "10.0.0.1: UDP bind() to port 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Kind, s.Remote = snapshot.ConnectSpace, at("10.0.0.53", 53)
	if got, want := Space(&s), "10.0.0.1 → 10.0.0.53:53/udp"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
