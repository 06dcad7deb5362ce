package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// fullBefore is a host whose ports all had an open connection at the start; the program wants 20 more a second.
func fullBefore(ports uint16, until time.Duration) *host {
	h := newHost(40000, 40000+ports-1)
	for n := range ports {
		h.openBefore(40000 + n)
	}
	each(0, until, 20, func(at time.Duration, _ int) { h.noPort(at) })
	return h
}

// What is full at the start, and of which nothing ends, is called a leak however short the trace is, and
// nothing is said to survive whose connections are not known to end.
func TestFullBeforeStart(t *testing.T) {
	t.Parallel()
	for _, ports := range []uint16{500, 2000} { // closing alone suffices for the rate with 2,000
		for _, until := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 11 * time.Second, 12 * time.Second, 15 * time.Second} {
			findings, last := fullBefore(ports, until).run(t, until)
			f := only(t, findings)
			if f.Cause != Leak || !strings.Contains(f.Summary, "with connections from before start, and has closed none of them in the ") {
				t.Errorf("%d ports, %s: %s: %s", ports, until, f.ID, f.Summary)
			}
			if want := map[bool]Confidence{true: Likely, false: Proved}[until < seenAtLeast]; f.Confidence != want {
				t.Errorf("%d ports, %s: %s, want %s", ports, until, f.Confidence, want)
			}
			Effects(last, &f)
			pool := slices.ContainsFunc(f.Advice, func(a Advice) bool { return strings.HasPrefix(a.Action, "If as many as that are meant to stay open") })
			if pool != (ports == 2000) {
				t.Errorf("%d ports, %s: %+v", ports, until, f.Advice)
			}
			for _, a := range f.Advice {
				if strings.Contains(a.Effect, "survives: at most") {
					t.Errorf("%d ports, %s: %s: %s", ports, until, a.Action, a.Effect)
				}
			}
		}
	}
}

// Connections from before the start that do end are no leak.
func TestFullBeforeStartEnds(t *testing.T) {
	t.Parallel()
	h := fullBefore(500, 4*time.Second)
	for n := range uint16(500) {
		cookie := uint64(n) + 1
		h.add(4*time.Second, event.Close, func(e *event.Event) {
			e.Src.Port, e.Cookie, e.ClosedBy, e.Flags = 40000+n, cookie, event.Remote, event.BeforeStart
		})
	}
	findings, _ := h.run(t, 9*time.Second)
	if f := only(t, findings); f.Cause == Leak {
		t.Errorf("%s: %s", f.ID, f.Summary)
	}
}

// The rate is that of the load in a trace of any length, which begins in the middle of a second, and so is the cause.
func TestRateOfShortTrace(t *testing.T) {
	t.Parallel()
	for _, until := range []time.Duration{1500 * time.Millisecond, 3 * time.Second, 5 * time.Second, 10 * time.Second} {
		h := newHost(40000, 40499)
		for n := range uint16(500) {
			h.bucketBefore(40000+n, web)
		}
		each(0, until, 30, func(at time.Duration, _ int) { h.noPort(at) })
		h.late = 700 * time.Millisecond
		findings, last := h.run(t, until)
		f := only(t, findings)
		if f.Cause != Churn || !strings.Contains(f.Summary, "tries to open 30 connections/s") {
			t.Errorf("%s: %s: %s", until, f.ID, f.Summary)
		}
		Effects(last, &f)
		t.Log(f.Summary, f.Advice[0].Effect)
	}
}
