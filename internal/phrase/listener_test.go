package phrase

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestListeners(t *testing.T) {
	t.Parallel()
	var n snapshot.Namespace
	for i := range 4 {
		n.Listeners = append(n.Listeners, snapshot.Listener{
			Local: at("0.0.0.0", uint16(40000+i)), Proc: event.Process{ID: event.ProcID{PID: 7, Start: 1}, Comm: "rpcd"},
		})
	}
	n.OtherListeners = 5
	if got, want := Listeners(&n), "rpcd(7) on 0.0.0.0:40000, rpcd(7) on 0.0.0.0:40001, rpcd(7) on 0.0.0.0:40002 and 6 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	n.Listeners, n.OtherListeners = n.Listeners[:1], 0
	if got, want := Listeners(&n), "rpcd(7) on 0.0.0.0:40000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A UDP socket has no state of a connection, and its ports are counted all the same.
func TestStatePorts(t *testing.T) {
	t.Parallel()
	s := snapshot.PortSpace{Kind: snapshot.BindSpace, Proto: event.UDP, Occupancy: event.Occupancy{Capacity: 100, Bound: 7}}
	if got := StatePorts(&s, s.Live) + " " + Ports(&s, s.Bound); got != "- 7" {
		t.Errorf("UDP: %q", got)
	}
	s.Proto, s.Live = event.TCP, 3
	if got := StatePorts(&s, s.Live); got != "3" {
		t.Errorf("TCP: %q", got)
	}
}
