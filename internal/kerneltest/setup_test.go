package kerneltest

import (
	"net/netip"
	"runtime"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kerneltest/figures"
	"github.com/porttrace/porttrace/internal/lab"
)

// netSetup is a kind of network that the load of TestAccuracy does not have.
type netSetup struct {
	name  string
	ready func(l *load) // before the tracer starts
	run   func(l *load)
}

// TestSetups makes a load on each of them, and compares what is reported with what the programs say
// and with the kernel's tables, as TestAccuracy does.
func TestSetups(t *testing.T) {
	for _, s := range []netSetup{
		{"packets spread over processors (RPS)", spreadBoth, plainLoad},
		{"destination rewritten (cgroup/connect)", attachRewriter, rewrittenLoad},
		{"source bound by a program (bpf_bind)", attachBinder, boundLoad},
		{"VRF", clientInVRF, vrfLoad},
		{"link-local", addLinkLocal, linkLocalLoad},
	} {
		t.Run(s.name, func(t *testing.T) { retry(t, func(a *attempt) { testSetup(a, s) }) })
	}
}

func testSetup(t *attempt, s netSetup) {
	client, server := pair(t)
	l := newLoad(t, client, server)
	s.ready(l)
	r := l.traced(func() {
		s.run(l)
		l.addBuckets()
	})
	f := figures.Setup{Setup: s.name, Kernel: kernelRelease(t), Arch: runtime.GOARCH}
	// With RPS hardly any load is without a skipped run: each may cost the facts of one connection.
	allowed := allowance{left: int(r.skipped()), used: map[bool]int{}}
	for _, m := range measures {
		mode := r.trace.mode(m)
		if mode == event.Off {
			continue
		}
		wrong, missed := difference(r.reported[m.name], r.want[m.name])
		one := figures.Accuracy{Right: len(r.reported[m.name]) - len(wrong), Wrong: len(wrong), Missed: len(missed)}
		f.Right, f.Wrong, f.Missed = f.Right+one.Right, f.Wrong+one.Wrong, f.Missed+one.Missed
		floor := 1.0
		if mode == event.Inferred {
			floor = m.floor
		}
		errors := max(one.Wrong, one.Missed)
		if (one.Precision() < floor || one.Recall() < floor) && allowed.take(m, errors) < errors {
			t.Errorf("%s: wrong %q, missed %q", m.name, wrong, missed)
		}
	}
	if hooksName() == "default" {
		t.Log(f)
	}
}

// setupWorks are clients with the options of a socket, to a server that answers and to a port
// without one.
func setupWorks(echo, closed []netip.AddrPort, socket lab.Socket) []work {
	nonblock, reset := socket, socket
	nonblock.Nonblock, reset.Linger0 = true, true
	return []work{
		{name: "churn", to: echo, job: lab.Client{Count: fewer(200, 40), Talk: true, Socket: socket}, closedBy: event.Local},
		{name: "nonblock", to: echo, job: lab.Client{Count: fewer(60, 20), Talk: true, Socket: nonblock}, closedBy: event.Local},
		{name: "reset", to: echo, job: lab.Client{Count: fewer(60, 20), Talk: true, Socket: reset}, closedBy: event.Reset, resetBy: event.Local},
		{name: "refused", to: closed, job: lab.Client{Count: fewer(60, 20), Socket: socket}},
	}
}

var (
	echoServers   = []netip.AddrPort{serverV4, serverV6}
	closedServers = []netip.AddrPort{at(serverV4, closedPort), at(serverV6, closedPort)}
)

func spreadBoth(l *load) { noError(l.t, l.client.SpreadPackets(), l.server.SpreadPackets()) }

func plainLoad(l *load) {
	l.serve(l.server, lab.Echo, echoServers...)
	l.start(setupWorks(echoServers, closedServers, lab.Socket{}))()
}
