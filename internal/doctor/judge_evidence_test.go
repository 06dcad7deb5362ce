package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// says reports whether a line of the evidence has the words.
func says(f *Finding, words string) bool {
	for _, e := range f.Evidence {
		if strings.Contains(e.Text, words) {
			return true
		}
	}
	return false
}

func wantEvidence(t *testing.T, f *Finding, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !says(f, line) {
			t.Errorf("no evidence says %q: %+v", line, f.Evidence)
		}
	}
}

// unanswered is connects that wait for an answer, the SYN sent again after a second.
func (h *host) unanswered(from, until time.Duration, perSecond int) {
	each(from, until, perSecond, func(at time.Duration, n int) {
		port := 40000 + uint16(n)
		h.connect(connection{at: at, life: -1, port: port})
		cookie := h.cookie
		h.add(at+time.Second, event.SynUnanswered, func(e *event.Event) {
			e.Src.Port, e.Cookie, e.Flags = port, cookie, event.Unanswered
		})
	})
}

// Attempts without an answer are no connections: none of them is opened, ended or live.
func TestEvidenceOfSilence(t *testing.T) {
	t.Parallel()
	h := newHost(40000, 40127)
	h.unanswered(0, 13*time.Second, 10)
	h.exhausted(13*time.Second, 16*time.Second)
	findings, _ := h.run(t, 18*time.Second)
	f := only(t, findings)
	if f.Cause != HalfOpen {
		t.Fatalf("%s: %s", f.ID, f.Summary)
	}
	wantEvidence(t, &f, "connection attempts started in the last", "0 given up", "none answered", "holds 128 in SYN_SENT")
	if says(&f, "opened and") || says(&f, " live") {
		t.Errorf("%+v", f.Evidence)
	}
}

// What holds the ports is named once for each program, and once for what is older than the trace.
func TestHoldersOfOneProgram(t *testing.T) {
	t.Parallel()
	h := newHost(40000, 40255)
	for n := range 150 {
		h.bucketBefore(40000+uint16(n), web)
	}
	each(0, 5*time.Second, 20, func(at time.Duration, n int) {
		proc := event.ProcID{PID: uint32(1000 + n), Start: uint64(n + 1)}
		h.add(at, event.ProcessKnown, func(e *event.Event) { e.Fact = &event.Process{ID: proc, Comm: "curl", Exe: "/usr/bin/curl"} })
		h.connect(connection{at: at, life: time.Millisecond, proc: proc, port: 40150 + uint16(n)})
	})
	each(5*time.Second, 15*time.Second, 20, func(at time.Duration, _ int) { h.noPort(at) })
	findings, _ := h.run(t, 15*time.Second)
	f := only(t, findings)
	wantEvidence(t, &f, "150 ports are in TIME_WAIT from before start (owner unknown)", "processes) holds 1")
	lines := 0
	for _, e := range f.Evidence {
		if strings.Contains(e.Text, " holds ") {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("%d holders: %+v", lines, f.Evidence)
	}
	// The program and the destination come first, and the rate is that of the load.
	if !strings.HasPrefix(f.Summary, "curl (") || !strings.Contains(f.Summary, " to 10.0.0.2:80: 20 connections/s would fit into the usual 28,232 ports, but this namespace has only 256 ports (40000 to 40255)") {
		t.Error(f.Summary)
	}
	t.Log(f.Summary)
}

// The rate is that of the load, also if it has just begun or is over.
func TestRateOfALoad(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[time.Duration]float64{6: 50, 14: 50, 60: 50} {
		h := newHost(32768, 60999)
		each(0, seconds*time.Second, 50, func(at time.Duration, n int) {
			h.connect(connection{at: at, life: time.Millisecond, port: 32768 + uint16(n)})
		})
		_, last := h.run(t, (seconds+3)*time.Second)
		if len(last.Destinations) != 1 {
			t.Fatalf("%+v", last.Destinations)
		}
		p := pastOf(&last.Destinations[0])
		if rate := p.rate(); rate < want*0.98 || rate > want*1.04 {
			t.Errorf("%d s: %.1f connections/s", seconds, rate)
		}
	}
	pool := summed(append([]snapshot.Point{{Opens: 1000}}, make([]snapshot.Point, 19)...))
	pool.active = 20 // a pool that is opened at once, and refreshed
	if rate := pool.rate(); rate != 50 {
		t.Errorf("%.1f connections/s", rate)
	}
}

// A listener that is overloaded and the peer that does not answer are one trouble.
func TestOverloadedListenerIsThePeer(t *testing.T) {
	t.Parallel()
	listener := Finding{ID: "listen_overflow:0.0.0.0:80", Cause: ListenOverflow, Severity: Warning, Subject: Subject{Netns: 2, Remote: endpoint("0.0.0.0:80")}}
	peer := Finding{ID: "half_open:shop:10.0.0.2:80", Cause: HalfOpen, Severity: Critical, Subject: Subject{Netns: 1, Remote: web}, Victims: []Victim{{Failures: 3}}, local: true}
	got := joinExplained([]Finding{peer, listener})
	if len(got) != 1 || got[0].Cause != ListenOverflow || got[0].Severity != Critical || got[0].Failures() != 3 {
		t.Errorf("%+v", got)
	}
	elsewhere := peer
	elsewhere.local = false // another host can have the same port
	if got = joinExplained([]Finding{elsewhere, listener}); len(got) != 2 || !strings.Contains(got[0].Summary, "a listener of this host at that port is overloaded") {
		t.Errorf("%+v", got)
	}
	full := peer
	full.trouble = "space"
	for range 2 {
		if got = joinExplained([]Finding{full, listener}); len(got) != 2 || strings.Count(got[0].Summary, "see listen_overflow:0.0.0.0:80") != 1 {
			t.Errorf("%+v", got)
		}
		full = got[0]
	}
	for _, other := range []event.Endpoint{endpoint("0.0.0.0:81"), endpoint("10.0.0.3:80")} {
		listener.Subject.Remote = other
		if got = joinExplained([]Finding{peer, listener}); len(got) != 2 {
			t.Errorf("%s: %+v", other, got)
		}
	}
}
