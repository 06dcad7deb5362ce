package filter

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

var errNoSuch = errors.New("--flag: no such thing")

// thisHost has the namespaces 41 and 42, both of which were called blue, and processes with
// a pid below 100.
var thisHost = Facts{
	Netns: func(name string) ([]uint32, error) {
		if name != "blue" {
			return nil, errNoSuch
		}
		return []uint32{41, 42}, nil
	},
	Process: func(pid uint32) (event.ProcID, error) {
		if pid >= 100 {
			return event.ProcID{}, errNoSuch
		}
		return event.ProcID{PID: pid, Start: uint64(pid) * 10}, nil
	},
}

// recorded is a recording of it, in which each process up to 8 has two children.
var recorded = Facts{
	Netns: thisHost.Netns,
	Descendants: func(pid uint32) []uint32 {
		if pid > 8 {
			return nil
		}
		return []uint32{2 * pid, 2*pid + 1}
	},
}

func TestResolve(t *testing.T) {
	t.Parallel()
	ids := func(pids ...uint32) (ids []event.ProcID) {
		for _, pid := range pids {
			ids = append(ids, event.ProcID{PID: pid, Start: uint64(pid) * 10})
		}
		return ids
	}
	for _, tc := range []struct {
		name     string
		request  Request
		facts    Facts
		targets  []event.ProcID
		children bool
		pids     []uint32 // those of 1 to 9 that the Filter selects, in namespace 42
		other    bool     // it selects process 1 in namespace 7, too
	}{
		{"everything, live", Request{}, thisHost, nil, false, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"everything, recorded", Request{}, recorded, nil, false, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"pid, live: the kernel selects", Request{PID: []string{"3", "4"}}, thisHost, ids(3, 4), false, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"children, live: the kernel selects", Request{PID: []string{"3", "4"}, Children: true}, thisHost, ids(3, 4), true, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"a command, live", Request{PID: []string{"3"}}.OfProcess(5), thisHost, ids(5), true, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
		{"pid, recorded", Request{PID: []string{"3", "4"}}, recorded, nil, false, []uint32{3, 4}, false},
		{"children, recorded", Request{PID: []string{"3", "4"}, Children: true}, recorded, nil, false, []uint32{3, 4, 6, 7, 8, 9}, false},
		{"netns, live", Request{Netns: []string{"blue"}}, thisHost, nil, false, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, false},
		{"pid and netns, live", Request{PID: []string{"3"}, Netns: []string{"blue"}}, thisHost, ids(3), false, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, false},
		{"pid and netns, recorded", Request{PID: []string{"1"}, Netns: []string{"blue"}}, recorded, nil, false, []uint32{1}, false},
		{"no facts", Request{PID: []string{"1"}, Children: true, Netns: []string{"42", "7"}}, Facts{}, nil, false, []uint32{1}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before := tc.request
			got, err := Resolve(tc.request, tc.facts)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Targets, tc.targets) || got.Children != tc.children {
				t.Errorf("for the kernel: %v, children %v, want %v, %v", got.Targets, got.Children, tc.targets, tc.children)
			}
			var pids []uint32
			for pid := uint32(1); pid < 10; pid++ {
				if selects(got.Filter, pid, 42) {
					pids = append(pids, pid)
				}
			}
			if !reflect.DeepEqual(pids, tc.pids) {
				t.Errorf("the Filter selects %d, want %d", pids, tc.pids)
			}
			if other := selects(got.Filter, 1, 7); other != tc.other {
				t.Errorf("the Filter selects another namespace: %v, want %v", other, tc.other)
			}
			if !reflect.DeepEqual(tc.request, before) {
				t.Errorf("the request became %+v", tc.request)
			}
		})
	}
	if got, err := Resolve(Request{}, thisHost); got.Filter != nil || err != nil {
		t.Errorf("an empty request gives %v, %v", got.Filter, err)
	}
}

func selects(f *Filter, pid, netns uint32) bool {
	return f.Match(&event.Event{Kind: event.Open, Netns: netns, Proc: event.ProcID{PID: pid}}, nil)
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		request Request
		facts   Facts
		want    string
	}{
		{Request{PID: []string{"me"}}, thisHost, "--pid me: not a process id"},
		{Request{PID: []string{"me"}}, recorded, "--pid me: not a process id"},
		{Request{Children: true}, recorded, "--children: --pid is missing"},
		{Request{PID: []string{"100"}}, thisHost, errNoSuch.Error()},
		{Request{Netns: []string{"green"}}, recorded, errNoSuch.Error()},
		{Request{Netns: []string{"blue"}}, Facts{}, "--netns blue: not the inode of a network namespace"},
	} {
		if got, err := Resolve(tc.request, tc.facts); err == nil || err.Error() != tc.want {
			t.Errorf("Resolve(%+v) = %+v, %v, want %s", tc.request, got, err, tc.want)
		}
	}
}

// TestFlags holds every row to what Parse, Check and Empty derive from the table.
func TestFlags(t *testing.T) {
	t.Parallel()
	if fields := reflect.TypeFor[Request]().NumField() - 1; len(Flags) != fields {
		t.Errorf("%d flags for %d fields", len(Flags), fields)
	}
	if !(Request{}).Empty() || (Request{Children: true}).Empty() {
		t.Error("Empty does not see --children")
	}
	for _, f := range Flags {
		var r Request
		*f.Values(&r) = []string{"["} // no value of any flag
		if r.Empty() {
			t.Errorf("--%s: a request with it is empty", f.Name)
		}
		if _, err := Parse(r); err == nil || !strings.HasPrefix(err.Error(), "--"+f.Name+" [: ") {
			t.Errorf("--%s [: %v", f.Name, err)
		}
		if err := r.Check(); (err == nil) != (f.Name == "netns") { // whose names only Facts know
			t.Errorf("--%s: Check gives %v", f.Name, err)
		}
	}
}
