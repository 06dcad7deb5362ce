package aggregate

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// What a host under attack has: nearly all of it once or a few times.
const (
	attackDests      = 1_000_000
	attackProcesses  = 100_000
	attackNamespaces = 2_000
	attackFailures   = 100_000
	maxAttackBytes   = 128 << 20
)

// attack is a storm over very many destinations, from programs and namespaces that come and go.
// Among it are those that matter: some from the beginning, some Zipf-distributed, and some that
// connect now and then, lose their rows each time, and are heavy at the end only.
type attack struct {
	*storm
	random *rand.Rand
	zipf   *rand.Zipf
	one    [1]event.Event
	failed uint64
	inside uint64 // opens in the namespaces that come and go
}

func newAttack() *attack {
	random := rand.New(rand.NewPCG(5, 5))
	s := newStorm()
	// Sockets are the table's: most of these do not fit in it.
	s.stream, s.leaves = newStreamOf(portspace.New(1<<13)), event.TimeWait
	return &attack{storm: s, random: random, zipf: rand.NewZipf(random, 1.2, 1, 50_000)}
}

const (
	steady = 10 // destinations and programs that are heavy all the time, and
	late   = 5  // that are at the end
)

func (a *attack) run() {
	for i := range attackDests {
		proc := a.passing(i)
		if i%(attackDests/attackNamespaces) == 0 {
			a.changeNamespace(i / (attackDests / attackNamespaces))
		}
		a.connect(proc, numbered(1_000_000+i), false)
		a.connectSteadily(i)
		if i%(attackDests/attackFailures) == 0 {
			a.fail(proc, numbered(1_000_000+i))
		}
	}
}

// connectSteadily makes the connections beside the passing ones.
func (a *attack) connectSteadily(i int) {
	if i%8 == 0 {
		n := i / 8 % steady
		a.connect(event.ProcID{PID: uint32(1 + n), Start: 1}, numbered(1+n), n%2 == 0 && i%800 == 0)
	}
	if i%4 == 0 {
		n := 1000 + int(a.zipf.Uint64())
		a.connect(event.ProcID{PID: uint32(n), Start: 1}, numbered(n), false)
	}
	if i%(attackDests/20) == 0 || i >= attackDests*9/10 && i%4 == 1 {
		n := 500 + i/4%late
		a.connect(event.ProcID{PID: uint32(n), Start: 1}, numbered(n), false)
	}
}

// passing returns a process that makes a few connections and ends.
func (a *attack) passing(i int) event.ProcID {
	n := i / (attackDests / attackProcesses)
	id := event.ProcID{PID: uint32(1_000_000 + n), Start: uint64(n)}
	if i%(attackDests/attackProcesses) == 0 {
		a.add(event.Event{Kind: event.ProcessKnown, Fact: &event.Process{
			ID: id, PPID: uint32(n % 50), Comm: "curl", Exe: fmt.Sprintf("/opt/%d/bin/curl", n%3000), Cgroup: fmt.Sprintf("/job-%d", n),
			CommandLine: fmt.Sprintf("curl --retry 3 --max-time 10 https://10.0.0.%d/v1/items?page=%d", n%256, n),
		}})
	}
	return id
}

// changeNamespace ends a namespace and begins another, with a connection of each.
func (a *attack) changeNamespace(n int) {
	known := func(n int, gone bool) {
		a.add(event.Event{Kind: event.NetnsKnown, Fact: &event.Netns{
			Inode: uint32(10 + n), Name: fmt.Sprintf("job-%d", n), Ports: usualRange, TimeWait: -1, Cookie: uint64(n + 1), Gone: gone,
		}})
	}
	known(n, false)
	for i := range 20 {
		a.add(with(event.Open, func(e *event.Event) {
			e.Netns, e.Dst, e.Src.Port = uint32(10+n), numbered(10_000_000+i), uint16(40_000+i)
		}))
		a.inside++
		a.procs[shop]++
	}
	if n > 10 {
		known(n-10, true)
	}
}

func (a *attack) fail(proc event.ProcID, to event.Endpoint) {
	a.failed++
	a.add(with(event.ConnectFail, func(e *event.Event) {
		e.Proc, e.Dst, e.Src, e.Op, e.Errno, e.Reason = proc, to, event.Endpoint{}, event.OpConnect, event.ECONNREFUSED, event.Refused
	}))
}

// add adds an event that happens now.
func (a *attack) add(e event.Event) {
	e.Time = begin.Add(time.Duration(a.n) * 20 * time.Microsecond)
	a.one[0] = e
	a.Add(a.one[:])
}

func heapSize() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAttackIsBounded: whatever comes, memory is bounded, what is truly in the top 20 has its row
// with what it counts, and the totals are exact. It is not parallel, as it measures the heap.
func TestAttackIsBounded(t *testing.T) {
	a := newAttack()
	for i := range attackDests { // so that only the state grows
		a.dests[numbered(1_000_000+i)] = 0
	}
	before := heapSize()
	a.run()
	a.Snapshot(0)
	if grown := int64(heapSize() - before); grown > maxAttackBytes {
		t.Errorf("it takes %d MiB", grown>>20)
	} else {
		t.Logf("it takes %d MiB", grown>>20)
	}
	a.requireTop(t, shown, 0.99)
	opens := a.inside
	for _, n := range a.dests {
		opens += n
	}
	if got := a.Snapshot(0).Totals; got.Opens != opens || got.ConnectFailures != a.failed {
		t.Errorf("%d opens and %d failures, want %d and %d", got.Opens, got.ConnectFailures, opens, a.failed)
	}
}
