package live

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// fakeFiles are processes whose start time is their pid.
type fakeFiles map[uint32]event.FileUse

func (f fakeFiles) counts() *fileCounts {
	c := newFileCounts(nil)
	c.read = func(pid uint32) (event.FileUse, error) {
		if use, is := f[pid]; is {
			return use, nil
		}
		return event.FileUse{}, errors.New("no such process")
	}
	c.started = func(pid uint32) (uint64, error) { return uint64(pid), nil }
	return c
}

func proc(pid uint32) event.ProcID { return event.ProcID{PID: pid, Start: uint64(pid)} }

// owned returns processes from a pid on that have some sockets each.
func owned(from, n, sockets int) map[event.ProcID]int {
	owners := map[event.ProcID]int{}
	for pid := from; pid < from+n; pid++ {
		owners[proc(uint32(pid))] = sockets
	}
	return owners
}

func pidsOf(events []event.Event) (pids []uint32) {
	for _, e := range events {
		pids = append(pids, e.Proc.PID)
	}
	slices.Sort(pids)
	return pids
}

// A process near its limit is found among 5,000 others although it has the fewest sockets, and
// reported from then on when its files change, and when it is not near any more.
func TestFilesNearLimit(t *testing.T) {
	t.Parallel()
	const processes, small = 5000, 4000
	files := fakeFiles{}
	owners := owned(1, processes, 50)
	for id := range owners {
		files[id.PID] = event.FileUse{Open: 60, Limit: 1024}
	}
	files[small], owners[proc(small)] = event.FileUse{Open: 61, Limit: 64}, 1
	c := files.counts()
	now := event.Time(time.Hour)
	round := func() []event.Event {
		if !c.due(now) {
			t.Fatal("it is not due")
		}
		events := c.count(owners, nil, now)
		now = now.Add(filesInterval)
		return events
	}
	found := 0
	for found = 1; found <= 6; found++ {
		if slices.Contains(pidsOf(round()), small) {
			break
		}
	}
	if found > 5 {
		t.Errorf("it is found after %d rounds of %s", found, filesInterval)
	}
	if got := pidsOf(round()); len(got) != 0 {
		t.Errorf("nothing has changed, and reported are %v", got)
	}
	files[small] = event.FileUse{Open: 62, Limit: 64}
	if got := pidsOf(round()); !slices.Equal(got, []uint32{small}) {
		t.Errorf("with one file more: %v", got)
	}
	files[small] = event.FileUse{Open: 30, Limit: 64}
	if got := pidsOf(round()); !slices.Equal(got, []uint32{small}) {
		t.Errorf("not near any more: %v", got)
	}
}

// The processes with the most sockets, and those whose calls have failed, are reported far from
// their limits, too: at first, after a change of more than a few percent, and every minute.
func TestFilesFollowed(t *testing.T) {
	t.Parallel()
	const most = 7
	files := fakeFiles{}
	owners := owned(100, 200, 1)
	for id := range owners {
		files[id.PID] = event.FileUse{Open: 100, Limit: 1024}
	}
	owners[proc(most)], files[most] = 2, event.FileUse{Open: 500, Limit: 1024}
	files[8] = event.FileUse{Open: 20, Limit: 1024} // has no socket, and its calls fail
	failed := []event.ProcID{proc(8), proc(9), {}}  // one has ended
	c := files.counts()
	now := event.Time(time.Hour)
	if got := pidsOf(c.count(owners, failed, now)); len(got) != mostSockets+1 || got[0] != most || got[1] != 8 {
		t.Errorf("at first %v", got)
	}
	files[most] = event.FileUse{Open: 520, Limit: 1024}
	if got := pidsOf(c.count(owners, nil, now.Add(filesInterval))); len(got) != 0 {
		t.Errorf("after 4 %% more: %v", got)
	}
	files[most] = event.FileUse{Open: 530, Limit: 1024}
	if got := pidsOf(c.count(owners, nil, now.Add(2*filesInterval))); !slices.Equal(got, []uint32{most}) {
		t.Errorf("after 6 %% more: %v", got)
	}
	if got := pidsOf(c.count(nil, nil, now.Add(filesRepeated))); len(got) != mostSockets || got[0] != 8 {
		t.Errorf("after a minute: %v", got)
	}
	delete(files, most)
	c.count(nil, nil, now.Add(filesRepeated+filesInterval))
	if _, followed := c.followed[proc(most)]; followed {
		t.Error("a process that has ended is followed")
	}
}

// A pid that another process has by now, and a process that --pid does not select, are left out.
func TestFilesOfAnother(t *testing.T) {
	t.Parallel()
	near := event.FileUse{Open: 64, Limit: 64}
	c := fakeFiles{5: near, 6: near, 7: near}.counts()
	c.selected = func(id event.ProcID) bool { return id.PID != 6 }
	owners := map[event.ProcID]int{{PID: 5, Start: 4}: 1, proc(6): 1, proc(7): 1}
	events := c.count(owners, nil, event.Time(time.Hour))
	if got := pidsOf(events); !slices.Equal(got, []uint32{7}) {
		t.Fatalf("reported are %v", got)
	}
	if e := events[0]; e.Kind != event.FilesCounted || *e.Fact.(*event.FileUse) != near {
		t.Errorf("%+v", e)
	}
}

func TestNearLimit(t *testing.T) {
	t.Parallel()
	for use, want := range map[event.FileUse]bool{
		{Open: 972, Limit: 1024}:          false,
		{Open: 973, Limit: 1024}:          true,
		{Open: 1024, Limit: 1024}:         true,
		{Open: 2000, Limit: 1024}:         true, // the limit was lowered
		{Open: 3, Limit: 4}:               false,
		{Open: 4, Limit: 4}:               true,
		{}:                                false,
		{Open: 1 << 20, Limit: 1<<64 - 1}: false,
	} {
		if got := use.NearLimit(); got != want {
			t.Errorf("%+v: %v", use, got)
		}
	}
}

// The cost with 5,000 processes, by their number. Each costs what BenchmarkFiles of procinfo says
// on top.
func BenchmarkFileCounts(b *testing.B) {
	files := fakeFiles{}
	owners := owned(1, 5000, 2)
	for id := range owners {
		files[id.PID] = event.FileUse{Open: 60, Limit: 1024}
	}
	c := files.counts()
	for i := 0; b.Loop(); i++ {
		c.count(owners, nil, event.Time(i)*event.Time(filesInterval))
	}
}
