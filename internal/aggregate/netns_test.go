package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func netnsFact(name string, cookie uint64, gone bool) event.Event {
	return event.Event{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{
		Inode: inode, Name: name, Cookie: cookie, Gone: gone, Ports: event.PortRange{Low: 40000, High: 41000},
	}}
}

// TestNamespaceIsGone: its rows keep the name, are marked, and are summed up a minute later.
func TestNamespaceIsGone(t *testing.T) {
	t.Parallel()
	s := of(netnsFact("blue", 7, false), with(event.Open, nil), with(event.ConnectFail, noPort), netnsFact("blue", 7, true))
	snap := s.Snapshot(begin.Add(50 * time.Second))
	d := snap.Destinations[0]
	if d.NetnsName != "blue" || !d.NetnsGone || d.Live() != 0 || d.EndedUnseen != 1 || !snap.Processes[0].Destinations[0].NetnsGone {
		t.Errorf("the destination is %+v", d)
	}
	if len(snap.PortSpaces) != 1 || !snap.PortSpaces[0].NetnsGone || !snap.Failures[0].NetnsGone || !snap.Namespaces[0].Gone {
		t.Errorf("got spaces %+v, failures %+v, namespaces %+v", snap.PortSpaces, snap.Failures, snap.Namespaces)
	}
	snap = s.Snapshot(begin.Add(61 * time.Second))
	requireSums(t, snap)
	if len(snap.Destinations)+len(snap.PortSpaces)+len(snap.Namespaces) != 0 || snap.OtherDestinations.Opens != 1 || snap.Totals.Opens != 1 {
		t.Errorf("a minute later: %+v, %+v, %+v", snap.Destinations, snap.PortSpaces, snap.Namespaces)
	}
	if f := snap.Failures[0]; f.NetnsName != "blue" || !f.NetnsGone {
		t.Errorf("the failure is %+v", f)
	}
}

// TestInodeIsGivenAway: a namespace does not inherit the rows of another that had its inode.
func TestInodeIsGivenAway(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		facts []event.Event
	}{
		{"by its cookie", []event.Event{netnsFact("green", 8, false)}},
		{"seen gone before", []event.Event{netnsFact("blue", 7, true), netnsFact("green", 8, false)}},
		{"without cookies", []event.Event{netnsFact("blue", 0, true), netnsFact("green", 0, false)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := of(netnsFact("blue", 7, false), with(event.Open, nil), with(event.Open, from(40001)), with(event.ConnectFail, noPort))
			if tc.name == "without cookies" {
				s = of(netnsFact("blue", 0, false), with(event.Open, nil), with(event.Open, from(40001)), with(event.ConnectFail, noPort))
			}
			s.Add(tc.facts[:len(tc.facts)-1])
			opened := []event.Event{with(event.Open, func(e *event.Event) { e.Proc = worker })}
			if len(tc.facts) == 1 { // only the cookie distinguishes them
				s.Add(tc.facts)
				s.Add(opened)
			} else { // the facts of a new one come up to a second late
				s.Add(opened)
				s.Add(tc.facts[1:])
			}
			snap := s.Snapshot(begin.Add(time.Second))
			requireSums(t, snap)
			if len(snap.Destinations) != 2 {
				t.Fatalf("got %+v", snap.Destinations)
			}
			blue, green := snap.Destinations[0], snap.Destinations[1]
			if blue.NetnsName != "blue" || !blue.NetnsGone || blue.Opens != 2 || blue.Live() != 0 || len(blue.Processes) != 1 {
				t.Errorf("the namespace that ended: %+v", blue)
			}
			if green.NetnsName != "green" || green.NetnsGone || green.Opens != 1 || green.Live() != 1 || green.Processes[0].Proc != worker {
				t.Errorf("the one that has its inode: %+v", green)
			}
			if f := snap.Failures[0]; f.NetnsName != "blue" || !f.NetnsGone || len(snap.PortSpaces) != 1 || snap.PortSpaces[0].NetnsName != "green" {
				t.Errorf("the failure is %+v, spaces %+v", f, snap.PortSpaces)
			}
			snap = s.Snapshot(begin.Add(62 * time.Second))
			requireSums(t, snap)
			if len(snap.Destinations) != 1 || snap.OtherDestinations.Opens != 2 {
				t.Errorf("a minute later: %+v", snap.Destinations)
			}
		})
	}
}

// TestNamespaceComesBack: one that could not be read for a while is the same.
func TestNamespaceComesBack(t *testing.T) {
	t.Parallel()
	s := of(netnsFact("blue", 7, false), with(event.Open, nil), netnsFact("blue", 7, true), netnsFact("blue", 7, false))
	s.Snapshot(begin.Add(2 * time.Minute))
	if snap := s.Snapshot(begin.Add(2 * time.Minute)); len(snap.Destinations) != 1 || snap.Destinations[0].NetnsGone || len(snap.Namespaces) != 1 {
		t.Errorf("got %+v, %+v", snap.Destinations, snap.Namespaces)
	}
}

// TestFilterAndNamespaces: the kernel's counts of a namespace are shown if the filter selects
// all of it.
func TestFilterAndNamespaces(t *testing.T) {
	t.Parallel()
	elsewhere := event.Event{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: 7, Name: "other", TimeWait: 100}}
	for _, tc := range []struct {
		name    string
		selects uint32 // a namespace, 0: all
		left    bool   // something in the other namespace is left out
		want    int64
		spaces  int
	}{
		{"no filter", 0, false, 105, 2},
		{"a namespace", inode, false, 5, 1},
		{"a process", 0, true, 5, 1},
	} {
		s := newStream()
		s.SelectNetns(func(n uint32) bool { return tc.selects == 0 || n == tc.selects })
		s.Add([]event.Event{kernelCount(5), elsewhere, with(event.Open, nil)})
		if tc.left {
			s.Add([]event.Event{notSelected(with(event.Open, func(e *event.Event) { e.Netns = 7 }))})
		}
		snap := s.Snapshot(begin)
		if snap.Totals.TimeWaitOther != tc.want || len(snap.Namespaces) != tc.spaces || snap.SelectedEvents != 1 || snap.Filtered != tc.left {
			t.Errorf("%s: %d others in %d namespaces, %d events", tc.name, snap.Totals.TimeWaitOther, len(snap.Namespaces), snap.SelectedEvents)
		}
	}
}
