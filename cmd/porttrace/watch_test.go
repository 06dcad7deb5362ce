package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// spaceOf is a port space towards a port, with this many of its 100 ports in use.
func spaceOf(port uint16, used int) snapshot.PortSpace {
	return snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: 1, Proto: event.TCP, Remote: event.Endpoint{Port: port},
		Occupancy: event.Occupancy{Capacity: 100, Live: used},
	}
}

// failures are calls of a program towards a port.
func failures(program string, port uint16, count uint64) snapshot.Failure {
	return snapshot.Failure{
		Proc: event.Process{ID: event.ProcID{PID: 7, Start: 7}, Comm: program}, Proto: event.TCP, Op: event.OpConnect, Reason: event.Refused,
		Target: event.Endpoint{Port: port}, Count: count,
	}
}

// What goes on hides nothing that begins beside it, and what comes and goes begins once.
func TestWatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		on    string
		steps []snapshot.Snapshot
		busy  []int // steps
		want  []int // steps at which something begins
	}{
		"a second space": {"full", []snapshot.Snapshot{
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 50)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 100)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 100)}},
		}, nil, []int{0, 1}},
		"full for moments": {"full", []snapshot.Snapshot{
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 90)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100)}},
		}, nil, []int{0}},
		"while another is kept": {"full", []snapshot.Snapshot{
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 100)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 100)}},
			{PortSpaces: []snapshot.PortSpace{spaceOf(1, 100), spaceOf(2, 100)}},
		}, []int{1}, []int{0, 2}},
		"failures beside others": {"failure", []snapshot.Snapshot{
			{Failures: []snapshot.Failure{failures("probe", 9, 1)}},
			{Failures: []snapshot.Failure{failures("probe", 9, 2)}},
			{Failures: []snapshot.Failure{failures("probe", 9, 3), failures("api", 443, 1)}},
			{Failures: []snapshot.Failure{failures("probe", 9, 4), failures("api", 443, 1)}},
			{Failures: []snapshot.Failure{failures("probe", 9, 4), failures("api", 443, 2)}},
		}, nil, []int{0, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatch([]string{tc.on})
			var got []int
			for i := range tc.steps {
				s := &tc.steps[i]
				s.Wall = time.Unix(1e9, 0).Add(time.Duration(i) * time.Second)
				cause, why := w.observe(s, slices.Contains(tc.busy, i))
				if cause == "" {
					continue
				}
				got = append(got, i)
				if cause != tc.on || strings.Contains(why, "more") {
					t.Errorf("step %d: %s: %s", i, cause, why)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("something begins at %v, want %v", got, tc.want)
			}
		})
	}
}

// While an incident is being kept only what is worse than that is returned, once.
func TestWatchWorse(t *testing.T) {
	t.Parallel()
	w := newWatch([]string{"high", "failure", "full"})
	high, full := []snapshot.PortSpace{spaceOf(1, 90)}, []snapshot.PortSpace{spaceOf(1, 100)}
	for i, step := range []struct {
		spaces   []snapshot.PortSpace
		failures uint64
		busy     bool
		want     string
	}{
		{high, 0, false, "high"},
		{high, 0, true, ""},
		{full, 1, true, "full"},
		{full, 2, true, ""},
		{high, 3, true, ""},
		{full, 4, true, ""},
		{full, 5, false, "full"}, // which is still there, and worse than the failure
	} {
		s := snapshot.Snapshot{Wall: time.Unix(1e9, 0).Add(time.Duration(i) * time.Second), PortSpaces: step.spaces}
		if step.failures > 0 {
			s.Failures = []snapshot.Failure{failures("api", 443, step.failures)}
		}
		if cause, _ := w.observe(&s, step.busy); cause != step.want {
			t.Errorf("step %d: %q, want %q", i, cause, step.want)
		}
	}
}

// What was not there for a minute begins again.
func TestWatchForgets(t *testing.T) {
	t.Parallel()
	w := newWatch([]string{"full"})
	begun := 0
	for _, at := range []time.Duration{0, 30 * time.Second, 80 * time.Second, 145 * time.Second} {
		s := snapshot.Snapshot{Wall: time.Unix(1e9, 0).Add(at), PortSpaces: []snapshot.PortSpace{spaceOf(1, 100)}}
		if cause, _ := w.observe(&s, false); cause != "" {
			begun++
		}
	}
	if begun != 2 || len(w.seen) != 1 {
		t.Errorf("it begins %d times, want 2; %d are known", begun, len(w.seen))
	}
}
