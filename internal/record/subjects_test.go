package record

import (
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func process(pid, parent uint32) event.Event {
	return event.Event{Time: 1, Kind: event.ProcessKnown, Fact: &event.Process{ID: event.ProcID{PID: pid, Start: 1}, PPID: parent}}
}

func namespace(inode uint32, name string) event.Event {
	return event.Event{Time: 1, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: inode, Name: name}}
}

func subjects(t *testing.T, events ...event.Event) *Subjects {
	t.Helper()
	r := reader(t, write(t, []batch{{events: events, now: 2}}))
	s, err := ReadSubjects(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := read(t, r); len(again) != len(events) {
		t.Errorf("%d events are left, want all %d: it is rewound", len(again), len(events))
	}
	return s
}

func TestDescendants(t *testing.T) {
	t.Parallel()
	// 20 has a child before it is known itself. 40 and 41 are each other's parent, as after
	// the reuse of a pid.
	s := subjects(t, process(30, 20), process(20, 10), process(21, 10), process(21, 10), process(40, 41), process(41, 40))
	for pid, want := range map[uint32][]uint32{10: {20, 21, 30}, 20: {30}, 30: nil, 99: nil, 40: {41}} {
		if got := s.Descendants(pid); !slices.Equal(got, want) {
			t.Errorf("descendants of %d: %d, want %d", pid, got, want)
		}
	}
}

func TestNetnsByName(t *testing.T) {
	t.Parallel()
	s := subjects(t, namespace(100, "blue"), namespace(101, ""), namespace(102, "blue"), namespace(103, "7"))
	for name, want := range map[string][]uint32{"blue": {100, 102}, "101": {101}, "7": {103}, "8": {8}} {
		if got, err := s.Netns(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("--netns %q: %d, %v, want %d", name, got, err, want)
		}
	}
	for _, name := range []string{"", "green", "0", "-1", "4294967296"} {
		want := "--netns " + name + ": the recording has no such network namespace; give a name that it shows, or an inode"
		if got, err := s.Netns(name); err == nil || err.Error() != want {
			t.Errorf("--netns %q: %d, %v", name, got, err)
		}
	}
}
