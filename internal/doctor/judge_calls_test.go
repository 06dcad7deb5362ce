package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func at(port uint16) func(*event.Event) { return func(e *event.Event) { e.Src.Port = port } }

// silentPeer is connects that get no answer, each given up after three seconds.
func (h *host) silentPeer(from, until time.Duration, answered int) {
	each(from, until, 10, func(at time.Duration, n int) {
		port := 40000 + uint16(n)
		if n%10 < answered {
			h.connect(connection{at: at, life: time.Millisecond, port: port})
			return
		}
		h.connect(connection{at: at, life: -1, port: port})
		cookie := h.cookie
		of := func(e *event.Event) { e.Src.Port, e.Cookie = port, cookie }
		h.add(at+time.Second, event.SynUnanswered, func(e *event.Event) { of(e); e.Flags = event.Unanswered })
		h.fail(at+3*time.Second, event.OpConnect, event.GivenUp, 0, func(e *event.Event) {
			of(e)
			e.Flags = event.HadPort | event.Unanswered
		})
	})
}

func TestCalls(t *testing.T) {
	t.Parallel()
	const second = time.Second
	bindFails := func(n int, reason event.Reason, errno event.Errno, change func(*event.Event)) func(h *host) {
		return func(h *host) {
			for i := range n {
				h.fail(second*time.Duration(1+i), event.OpBind, reason, errno, change)
			}
		}
	}
	// takenBy has the shop bind the port that a connection of the cache has, or had.
	takenBy := func(port uint16, life time.Duration, times int) func(h *host) {
		return func(h *host) {
			h.connect(connection{at: 0, life: life, proc: cache, port: port, to: endpoint("10.0.0.7:6379")})
			bindFails(times, event.PortTaken, event.EADDRINUSE, at(port))(h)
		}
	}
	for _, tc := range []struct {
		name     string
		load     func(h *host)
		id       string // empty: only notes
		severity Severity
		says     string
	}{
		{"a peer that never answers", func(h *host) { h.silentPeer(0, 18*second, 0) }, "half_open:shop:10.0.0.2:80", Critical, "10.0.0.2:80 does not answer shop"},
		{"a peer that answers half of them", func(h *host) { h.silentPeer(0, 18*second, 5) }, "half_open:shop:10.0.0.2:80", Warning, "while others succeed"},
		{"a lost packet", func(h *host) { h.silentPeer(0, second/10, 0) }, "", Info, ""},
		{"the port of a service, once", takenBy(40740, -1, 1), "range_overlaps_listeners:shop:10.0.0.1:40740", Warning, "an outgoing connection of cache (pid 300) to 10.0.0.7:6379 has that port"},
		{"the port of a service, again and again", takenBy(40740, -1, 5), "range_overlaps_listeners:shop:10.0.0.1:40740", Critical, "cannot start to listen on 10.0.0.1:40740"},
		{"ports tried one after another", func(h *host) {
			for port := uint16(40740); port < 40745; port++ {
				takenBy(port, -1, 1)(h)
			}
		}, "", Info, ""},
		{"ports of a range of its own, which its connections have", func(h *host) {
			for port := uint16(40740); port < 40745; port++ {
				h.connect(connection{at: 0, life: -1, port: port})
				bindFails(3, event.PortTaken, event.EADDRINUSE, at(port))(h)
			}
		}, "early_bind:shop", Critical, "binds ports of 10.0.0.1 of its own choice"},
		{"a port that nothing of the range has", bindFails(5, event.PortTaken, event.EADDRINUSE, at(80)), "port_taken:shop:10.0.0.1:80", Warning, "another socket has it"},
		{"a listener", func(h *host) {
			h.add(0, event.Listen, func(e *event.Event) { e.Proc, e.Src.Port, e.Dst, e.Direction = cache, 8080, event.Endpoint{}, event.In })
			bindFails(12, event.PortTaken, event.EADDRINUSE, at(8080))(h)
		}, "port_taken:shop:10.0.0.1:8080", Critical, "cache (pid 300) listens there already"},
		{"a bound port that is connected already", func(h *host) {
			for i := range 3 {
				h.fail(second*time.Duration(1+i), event.OpConnect, event.TupleTaken, event.EADDRNOTAVAIL, at(40000))
			}
		}, "tuple_taken:shop:10.0.0.2:80", Warning, "Ports are not scarce"},
		{
			"an address of another host", bindFails(2, event.ForeignAddress, event.EADDRNOTAVAIL, func(e *event.Event) { e.Src = endpoint("10.9.9.9:80") }),
			"foreign_address:shop:10.9.9.9", Warning, "not one of the network namespace host",
		},
		{"::1 without IPv6", bindFails(2, event.ForeignAddress, event.EADDRNOTAVAIL, func(e *event.Event) { e.Src = endpoint("[::1]:80") }), "", Info, ""},
		{"no IPv6, and no other way", func(h *host) { h.withoutIPv6(20) }, "no_ipv6:shop", Critical, "over IPv6"},
		{"no IPv6, and IPv4 instead", func(h *host) {
			h.withoutIPv6(20)
			h.connect(connection{at: second, life: time.Second, port: 40000})
		}, "", Info, ""},
		{"UDP", func(h *host) {
			for i := range 3 {
				h.fail(second*time.Duration(1+i), event.OpAutobind, event.RangeExhausted, event.EAGAIN, func(e *event.Event) { e.Proto = event.UDP })
			}
		}, "udp_ports:shop", Critical, "got no UDP port"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(32768, 60999)
			tc.load(h)
			findings, _ := h.run(t, 20*second)
			if tc.id == "" {
				for _, f := range urgent(findings) {
					t.Errorf("%s %s: %s", f.Severity, f.ID, f.Summary)
				}
				return
			}
			f := only(t, findings)
			if f.ID != tc.id || f.Severity != tc.severity || f.Confidence != Proved || !strings.Contains(f.Summary, tc.says) {
				t.Errorf("%s %s %s: %s", f.Severity, f.Confidence, f.ID, f.Summary)
			}
			if len(f.Victims) != 1 || programOf(&f.Victims[0].Proc) != "shop" {
				t.Errorf("victims %+v", f.Victims)
			}
			t.Log(f.Summary)
		})
	}
}

func (h *host) withoutIPv6(n int) {
	for i := range n {
		h.fail(time.Duration(i)*time.Second/2, event.OpConnect, event.NoIPv6, event.EADDRNOTAVAIL, func(e *event.Event) {
			e.Src, e.Dst = event.Endpoint{}, endpoint("[fd00::2]:80")
		})
	}
}

// A service that restarts finds its port in TIME_WAIT: that is no overlap with the range.
func TestOwnTimeWait(t *testing.T) {
	t.Parallel()
	h := newHost(32768, 60999)
	h.add(0, event.SocketFound, func(e *event.Event) {
		e.State, e.Direction, e.Src.Port, e.Dst = event.StateTimeWait, event.In, 40740, endpoint("10.0.0.9:51000")
		e.First, e.Last = begin, begin.Add(40*time.Second)
	})
	for i := range 3 {
		h.fail(time.Second*time.Duration(1+i), event.OpBind, event.PortTaken, event.EADDRINUSE, at(40740))
	}
	findings, _ := h.run(t, 10*time.Second)
	if f := only(t, findings); f.Cause != PortTaken || !strings.Contains(f.Summary, "SO_REUSEADDR") {
		t.Errorf("%s: %s", f.ID, f.Summary)
	}
}

// A load that ends before the ports do was worth a warning as long as it went on.
func TestForecastThatDidNotComeTrue(t *testing.T) {
	t.Parallel()
	load := func() *host {
		h := newHost(40000, 40999)
		each(0, 14*time.Second, 50, func(at time.Duration, n int) {
			h.connect(connection{at: at, life: time.Millisecond, port: 40000 + 2*uint16(n%500) + uint16(n/500)})
		})
		return h
	}
	goesOn, _ := load().run(t, 14*time.Second)
	if f := only(t, goesOn); f.Cause != Churn || f.Severity != Warning || !strings.Contains(f.Summary, "the last port will be taken") {
		t.Errorf("%s %s: %s", f.Severity, f.ID, f.Summary)
	}
	over, _ := load().run(t, 40*time.Second)
	if Verdict(over) != Info || Headline(over) != "" {
		t.Errorf("%s: %s", Verdict(over), Headline(over))
	}
	if len(over) != 1 || over[0].Until.IsZero() || !strings.Contains(over[0].Summary, "the load ended before the last port was taken") {
		t.Errorf("%+v", over)
	}
}

// TIME_WAIT from before the trace fills a small range, and no program wants a port.
func TestNoProgramWantsAPort(t *testing.T) {
	t.Parallel()
	h := newHost(32768, 32831)
	for n := range 64 {
		h.bucketBefore(32768+uint16(n), web)
	}
	findings, last := h.run(t, 15*time.Second)
	if s := last.PortSpaces; len(s) == 0 || !s[0].IsFull() {
		t.Fatalf("%+v", s)
	}
	for _, f := range urgent(findings) {
		t.Errorf("%s: %s", f.ID, f.Summary)
	}
}

// An incident in the middle of a recording is judged although its end is calm.
func TestOver(t *testing.T) {
	t.Parallel()
	h := newHost(40000, 40999)
	each(20*time.Second, 30*time.Second, 100, func(at time.Duration, n int) {
		h.connect(connection{at: at, life: time.Millisecond, port: 40000 + uint16(n)})
	})
	h.exhausted(30*time.Second, 40*time.Second)
	findings, last := h.run(t, 120*time.Second)
	f := only(t, findings)
	if f.ID != "churn:shop:10.0.0.2:80" || f.Severity != Critical || f.Failures() != 1000 {
		t.Errorf("%s %s, %d failures", f.Severity, f.ID, f.Failures())
	}
	since, until := f.Since.Sub(last.Started), f.Until.Sub(last.Started)
	if since < 29*time.Second || since > 31*time.Second || until != 39990*time.Millisecond { // the last call that failed
		t.Errorf("from %s until %s", since, until)
	}
	if now := Judge(last); len(urgent(now)) != 0 {
		t.Errorf("%+v", now)
	}
	if Verdict(findings) != Critical || !strings.HasPrefix(Headline(findings), "until ") {
		t.Errorf("%s", Headline(findings))
	}
	if slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return e.Text == "" }) {
		t.Errorf("%+v", f.Evidence)
	}
}
