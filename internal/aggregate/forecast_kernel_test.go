package aggregate

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// simulated is a network namespace with a clock of its own. Programs make system calls in it,
// and what the tracer would report of them goes to emit. Its rules are those of the kernel:
// see the package comment of portspace.
type simulated struct {
	now     time.Duration
	actions actions
	count   int
	random  *rand.Rand
	ports   int
	reuse   bool // of TIME_WAIT, after a second
	most    int  // tcp_max_tw_buckets
	buckets int
	ends    time.Duration                    // of the only program, 0: none
	spaces  map[event.Endpoint]map[int]*held // by destination and port
	bound   map[int]bool                     // ports that a bind() owns
	emit    func(event.Event)
	failed  func(event.Endpoint, time.Duration) // a call found no port
}

// held is what holds a port: a connection, or its bucket.
type held struct {
	bucket bool
	early  bool
	since  time.Duration // the bucket
	opened time.Duration
}

type action struct {
	at     time.Duration
	number int // those of one moment happen in the order in which they were planned
	do     func()
}

type actions []action

func (a actions) Len() int { return len(a) }
func (a actions) Less(i, j int) bool {
	if a[i].at != a[j].at {
		return a[i].at < a[j].at
	}
	return a[i].number < a[j].number
}
func (a actions) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *actions) Push(x any)   { *a = append(*a, x.(action)) }
func (a *actions) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

const (
	firstPort   = 40000
	bucketLasts = 61 * time.Second
	reuseAfter  = time.Second
)

func newSimulated(seed uint64, ports int) *simulated {
	return &simulated{
		random: rand.New(rand.NewPCG(seed, 11)), ports: ports, most: 1 << 20,
		spaces: map[event.Endpoint]map[int]*held{}, bound: map[int]bool{},
		emit: func(event.Event) {}, failed: func(event.Endpoint, time.Duration) {},
	}
}

// facts is what a tracer reports at the start.
func (k *simulated) facts() []event.Event {
	net := ranged(firstPort, uint16(firstPort+k.ports-1))
	fact := net.Fact.(*event.Netns)
	fact.MaxTimeWait = int64(k.most)
	if k.reuse {
		fact.Reuse = 1
	}
	return []event.Event{net, known(shop, "shop")}
}

// in plans an action.
func (k *simulated) in(d time.Duration, do func()) {
	k.count++
	heap.Push(&k.actions, action{k.now + max(d, 0), k.count, do})
}

// runTo makes all that is planned until then.
func (k *simulated) runTo(end time.Duration) {
	for len(k.actions) > 0 && k.actions[0].at <= end {
		a := heap.Pop(&k.actions).(action)
		k.now = a.at
		a.do()
	}
	k.now = end
}

// free returns a port for a connect() or, if early, for the bind() before one; negative if
// there is none.
func (k *simulated) free(to event.Endpoint, early bool) int {
	first := k.random.IntN(k.ports)
	for i := range k.ports {
		port := (first + i) % k.ports
		if k.isFree(to, port, early) {
			return port
		}
	}
	return -1
}

func (k *simulated) isFree(to event.Endpoint, port int, early bool) bool {
	if k.bound[port] {
		return false
	}
	if early {
		for _, space := range k.spaces {
			if space[port] != nil {
				return false
			}
		}
		return true
	}
	h := k.spaces[to][port]
	return h == nil || h.bucket && k.reuse && k.now-h.since >= reuseAfter
}

// opening is how a program connects.
type opening struct {
	to       event.Endpoint
	early    bool
	lasts    time.Duration // negative: it is never closed
	timeWait bool          // this end closes first
}

func (k *simulated) connect(o opening) {
	port := k.free(o.to, o.early)
	if port < 0 {
		k.failed(o.to, k.now)
		k.emit(k.event(event.ConnectFail, o, func(e *event.Event) { noPort(e); e.Dst = o.to }))
		return
	}
	if k.spaces[o.to] == nil {
		k.spaces[o.to] = map[int]*held{}
	}
	if k.spaces[o.to][port] != nil {
		k.buckets--
	}
	h := &held{early: o.early, opened: k.now}
	k.spaces[o.to][port] = h
	flags := event.Flags(0)
	if o.early {
		k.bound[port] = true
		flags = event.EarlyBind
		k.emit(k.event(event.Bind, o, all(from(uint16(firstPort+port)), func(e *event.Event) { e.Dst = event.Endpoint{} })))
	}
	k.emit(k.event(event.Open, o, all(from(uint16(firstPort+port)), flagged(flags))))
	if o.lasts >= 0 {
		k.in(o.lasts, func() { k.close(o, port, h) })
	}
}

func (k *simulated) close(o opening, port int, h *held) {
	if k.spaces[o.to][port] != h || h.bucket {
		return
	}
	flags := event.Flags(0)
	if o.timeWait && k.buckets < k.most {
		flags = event.TimeWait
		h.bucket, h.since = true, k.now
		k.buckets++
		k.in(bucketLasts, func() {
			if k.spaces[o.to][port] == h {
				k.buckets--
				k.release(o, port)
			}
		})
	} else {
		k.release(o, port)
	}
	k.emit(k.event(event.Close, o, all(from(uint16(firstPort+port)), flagged(flags), func(e *event.Event) {
		e.Duration = uint64(k.now - h.opened)
	})))
}

func (k *simulated) release(o opening, port int) {
	delete(k.spaces[o.to], port)
	if o.early {
		delete(k.bound, port)
	}
}

func (k *simulated) event(kind event.Kind, o opening, change func(*event.Event)) event.Event {
	return after(k.now, with(kind, all(func(e *event.Event) { e.Dst = o.to }, change)))
}
