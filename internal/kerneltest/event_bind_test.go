package kerneltest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// A bind that fails is reported with what was asked for and why it failed.
func TestBindFails(t *testing.T) { retry(t, testBindFails) }

func testBindFails(t *attempt) {
	const tries = 3
	n := newNetns(t)
	takenV4, takenV6 := netip.MustParseAddrPort("127.0.0.1:8080"), netip.MustParseAddrPort("[::1]:8080")
	serve(t, n, lab.Echo, takenV4, takenV6)
	cases := []struct {
		name   string
		socket lab.Socket
		errno  event.Errno
		reason event.Reason
	}{
		{"taken4", lab.Socket{Bind: takenV4}, event.EADDRINUSE, event.PortTaken},
		{"taken6", lab.Socket{Bind: takenV6}, event.EADDRINUSE, event.PortTaken},
		{"takenany4", lab.Socket{Bind: netip.MustParseAddrPort("0.0.0.0:8080")}, event.EADDRINUSE, event.PortTaken},
		{"takenany6", lab.Socket{Bind: netip.MustParseAddrPort("[::]:8080")}, event.EADDRINUSE, event.PortTaken},
		{"reuse4", lab.Socket{Bind: takenV4, ReuseAddr: true, ReusePort: true}, event.EADDRINUSE, event.PortTaken},
		{"foreign4", lab.Socket{Bind: netip.MustParseAddrPort("192.0.2.1:8081")}, event.EADDRNOTAVAIL, event.ForeignAddress},
		{"foreign6", lab.Socket{Bind: netip.MustParseAddrPort("[2001:db8::1]:8081")}, event.EADDRNOTAVAIL, event.ForeignAddress},
		{"foreignany4", lab.Socket{Bind: netip.MustParseAddrPort("192.0.2.1:0")}, event.EADDRNOTAVAIL, event.ForeignAddress},
		{"foreignany6", lab.Socket{Bind: netip.MustParseAddrPort("[2001:db8::1]:0")}, event.EADDRNOTAVAIL, event.ForeignAddress},
	}
	tr := begin(t, live.Options{}, n)
	results := make([]lab.Result, len(cases))
	for i, c := range cases {
		results[i] = run(t, n, c.name, &lab.Binder{Socket: c.socket, Count: tries})
	}
	tr.end(nil)
	tr.needBinds()
	for i, c := range cases {
		t.Run(c.name, func(t *attempt) {
			r := results[i]
			if r.BindErrors[c.errno.String()] != tries {
				t.Fatalf("the client: %+v", r)
			}
			fails := tr.of(event.BindFail, r.PID)
			if got := occurrences(fails); got != tries {
				t.Errorf("%d binds failed, the client counted %d", got, tries)
			}
			for _, e := range fails {
				if e.Errno != c.errno || e.Reason != c.reason || e.Op != event.OpBind || e.Proto != event.TCP || e.Src != endpoint(c.socket.Bind) {
					t.Errorf("%s %s of %s: %+v", e.Errno, e.Reason, e.Src, e)
				}
				if tr.exact("bind") != (e.Inferred == 0) {
					t.Errorf("bind is seen as %s, inferred are %s", tr.signal("bind").Mode, e.Inferred.Names())
				}
			}
			if binds := tr.of(event.Bind, r.PID); len(binds) != 0 {
				t.Errorf("nothing was bound: %+v", binds)
			}
		})
	}
}

// A program retries a bind() until its address is there. The last failures, which are reported
// when it is there, are not those of a taken port.
func TestBindAddressComes(t *testing.T) { retry(t, testBindAddressComes) }

func testBindAddressComes(t *attempt) {
	const device = "lab1"
	client, _ := pair(t)
	spawn(t, client, "resident", &lab.Binder{For: jobLimit})
	tr := begin(t, live.Options{}, client)
	for _, c := range []struct {
		addr netip.AddrPort
		add  func(string, netip.Prefix) error
	}{
		{netip.MustParseAddrPort("10.99.0.1:8080"), client.AddAddr},
		{netip.MustParseAddrPort("[fd99::1]:8080"), client.AddTentative},
	} {
		added := make(chan error, 1)
		time.AfterFunc(150*time.Millisecond, func() {
			added <- c.add(device, netip.PrefixFrom(c.addr.Addr(), c.addr.Addr().BitLen()))
		})
		noError(t, client.Do(func() error { return bindWhenThere(c.addr) }))
		noError(t, <-added)
	}
	tr.end(nil)
	tr.needBinds()
	fails := tr.of(event.BindFail, os.Getpid())
	foreign := 0
	for _, e := range fails {
		if e.Reason == event.ForeignAddress && e.Errno == event.EADDRNOTAVAIL {
			foreign += int(e.Count)
		} else if e.Errno != 0 || e.Reason != event.OtherReason || e.Inferred&event.FieldErrno == 0 {
			t.Errorf("%s %s of %s: the address was not there", e.Errno, e.Reason, e.Src)
		}
	}
	if total := occurrences(fails); foreign == 0 || tr.exact("bind") && foreign != total {
		t.Errorf("%d of %d failures are reported as those of a foreign address", foreign, total)
	}
}

// bindWhenThere binds to an address until that succeeds.
func bindWhenThere(addr netip.AddrPort) error {
	for deadline := time.Now().Add(scenarioWait); ; time.Sleep(20 * time.Millisecond) {
		fd, err := socketAt(addr)
		if err == nil {
			return unix.Close(fd)
		}
		unix.Close(fd)
		if !errors.Is(err, unix.EADDRNOTAVAIL) || time.Now().After(deadline) {
			return err
		}
	}
}

// bind(0) and listen() without a bind take ports of the range until there is none.
func TestBindExhausted(t *testing.T) { retry(t, testBindExhausted) }

func testBindExhausted(t *attempt) {
	const ports, tries = 16, 20
	cases := []struct {
		name string
		job  lab.Binder
		op   event.Op
	}{
		{"bind4", lab.Binder{Socket: lab.Socket{Bind: netip.MustParseAddrPort("127.0.0.1:0")}}, event.OpBind},
		{"bind6", lab.Binder{Socket: lab.Socket{Bind: netip.MustParseAddrPort("[::1]:0")}}, event.OpBind},
		{"listen", lab.Binder{Listen: true}, event.OpListen},
	}
	nets := make([]*lab.Netns, len(cases))
	for i := range cases {
		nets[i] = newNetns(t)
		narrow(t, nets[i], ports)
	}
	tr := begin(t, live.Options{}, nets...)
	results := make([]lab.Result, len(cases))
	for i, c := range cases {
		c.job.Count, c.job.List = tries, true
		results[i] = run(t, nets[i], "binder", &c.job)
	}
	tr.end(nil)

	for i, c := range cases {
		t.Run(c.name, func(t *attempt) {
			r := results[i]
			errs := r.BindErrors
			if c.op == event.OpListen {
				errs = r.ListenErrors
			} else if !tr.seesBinds() {
				return
			}
			if r.Succeeded != ports || errs["EADDRINUSE"] != tries-ports {
				t.Fatalf("the client: %+v", r)
			}
			fails := tr.of(event.BindFail, r.PID)
			if got := occurrences(fails); got != tries-ports {
				t.Errorf("%d failed, the client counted %d", got, tries-ports)
			}
			for _, e := range fails {
				if e.Op != c.op || e.Errno != event.EADDRINUSE || e.Reason != event.RangeExhausted || e.Src.Port != 0 {
					t.Errorf("%s %s %s: %+v", e.Op, e.Errno, e.Reason, e)
				}
			}
			if c.op == event.OpBind {
				checkBound(t, tr.of(event.Bind, r.PID), r.Tries)
			}
		})
	}
}

// checkBound compares the ports of binds with those of getsockname().
func checkBound(t testing.TB, binds []event.Event, tries []lab.Try) {
	t.Helper()
	var got, want []uint16
	for _, e := range binds {
		got = append(got, e.Src.Port)
	}
	for _, try := range tries {
		if try.Op == "" {
			want = append(want, try.Local.Port())
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("bound are %d, the client has %d", got, want)
	}
}

// Two sockets may share a port by SO_REUSEADDR until one of them listens: then the
// other's listen() fails, though its bind() did not.
func TestListenFails(t *testing.T) { retry(t, testListenFails) }

func testListenFails(t *attempt) {
	n := newNetns(t)
	tr := begin(t, live.Options{}, n)
	const port = 8082
	err := n.Do(func() error { return listenInVain(at(loopV4, port), func() {}) })
	noError(t, err)
	tr.end(nil)

	fails := tr.of(event.BindFail, os.Getpid())
	if len(fails) != 1 {
		t.Fatalf("%d failures: %+v", len(fails), fails)
	}
	e := fails[0]
	if e.Op != event.OpListen || e.Errno != event.EADDRINUSE || e.Reason != event.PortTaken || e.Src.Port != port {
		t.Errorf("%s %s %s %s", e.Op, e.Errno, e.Reason, e.Src)
	}
	if h := e.Holder; tr.exact("cookie") && (h == nil || h.State != event.StateListen || h.Proc.PID != uint32(os.Getpid()) || h.Local != e.Src) {
		t.Errorf("held by %+v", h)
	}
}

// The end of a listener is no failure. Listeners of Go programs are MPTCP sockets, which the
// kernel closes in its own way (net/mptcp).
func TestListenerCloses(t *testing.T) { retry(t, testListenerCloses) }

func testListenerCloses(t *attempt) {
	n := newNetns(t)
	tr := begin(t, live.Options{}, n)
	for _, multipath := range []bool{true, false} {
		for _, address := range []string{"127.0.0.1:0", "127.0.0.1:8083", "[::1]:0"} {
			err := n.Do(func() error {
				var config net.ListenConfig
				config.SetMultipathTCP(multipath)
				l, err := config.Listen(t.Context(), "tcp", address)
				if err != nil {
					return err
				}
				return l.Close()
			})
			noError(t, err)
		}
	}
	tr.end(nil)

	for _, e := range tr.of(event.BindFail, os.Getpid()) {
		t.Errorf("nothing failed: %s %s %s of %s", e.Op, e.Errno, e.Reason, e.Src)
	}
}
