package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// A UDP socket that finds no port at its connect() gets EAGAIN, which does not mention ports.
func TestAutobindExhausted(t *testing.T) {
	const ports, tries = 32, 20
	n := newNetns(t)
	narrow(t, n, ports)
	tr := begin(t, live.Options{}, n)
	if s := tr.signal("autobind"); s.Mode == event.Off {
		if tr.exact("connect") {
			t.Fatalf("trampolines or kprobes are there, and it is off: %s", s.Reason)
		}
		t.Skipf("it is not seen here: %s", s.Reason)
	}
	udp := lab.Socket{UDP: true}
	holder := spawn(t, n, "holder", &lab.Client{Socket: udp, To: []netip.AddrPort{loopV4}, Count: ports, Hold: true})
	wantCounts(t, counted(t, holder), ports, 0)
	// Before its connect() a socket has any address, of both families, so one list of ports
	// is used up for all.
	var results []lab.Result
	for _, to := range []netip.AddrPort{loopV4, loopV6} {
		r := run(t, n, "victim", &lab.Client{Socket: udp, To: []netip.AddrPort{to}, Count: tries})
		if r.ConnectErrors["EAGAIN"] != tries {
			t.Fatalf("towards %s: %+v", to, r)
		}
		results = append(results, r)
	}
	release(t, holder)
	tr.end(nil)

	for _, r := range results {
		fails := tr.of(event.BindFail, r.PID)
		if got := occurrences(fails); got != tries {
			t.Errorf("%d failures are reported, the victim counted %d", got, tries)
		}
		for _, e := range fails {
			if e.Proto != event.UDP || e.Op != event.OpAutobind || e.Errno.String() != "EAGAIN" || e.Reason != event.RangeExhausted {
				t.Errorf("%+v", e)
				break
			}
		}
	}
	if got := tr.of(event.BindFail, holder.PID()); len(got) > 0 {
		t.Errorf("of the holder: %+v", got[0])
	}
	for _, f := range tr.snap.Failures {
		if f.Op != event.OpAutobind || f.Reason != event.RangeExhausted || f.Count != tries {
			t.Errorf("in the snapshot: %+v", f)
		}
	}
}
