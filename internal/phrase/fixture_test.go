package phrase

import (
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

var testNow = time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)

// allExact are signals that miss no failure.
func allExact() event.Signals {
	var signals event.Signals
	for _, name := range event.SignalNames() {
		signals = append(signals, event.Signal{Name: name, Mode: event.Exact})
	}
	return signals
}

// withModes are those with some in another mode.
func withModes(modes map[string]event.Mode) event.Signals {
	signals := allExact()
	for i := range signals {
		if mode, ok := modes[signals[i].Name]; ok {
			signals[i].Mode = mode
		}
	}
	return signals
}

func at(addr string, port uint16) event.Endpoint {
	return event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr(addr)), Port: port}
}
