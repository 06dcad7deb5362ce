package replay

import (
	"context"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

const (
	// minSpacing is how many events a player replays without delay: some 20 ms.
	minSpacing = 20_000
	// maxKept and maxKeptBytes bound the checkpoints. A state of an hour with 10,000 events a second,
	// 1,024 destinations, 20 programs and 30,000 buckets takes 20 MB, and 2.2 MB when it is packed: its
	// checkpoints are 390,000 events apart. BenchmarkSeek measures what that costs: half a second on
	// average, 1.2 s at most.
	maxKept      = 200
	maxKeptBytes = 192 << 20
)

// checkpoint is a state that was reached, to go on from without playing what came before.
type checkpoint struct {
	at       event.Time // the last batch in it
	position uint64     // of the batch after it
	failed   uint64
	events   int             // played up to here
	state    pipeline.Packed // that was reached
	size     int             // bytes, about
}

// checkpoint returns the state that was reached.
func (c *cursor) checkpoint() *checkpoint {
	state := c.state.Pack()
	return &checkpoint{at: c.played, position: c.position, failed: c.failed, state: state, size: state.Bytes()}
}

// goTo makes a checkpoint the state that was reached.
func (c *cursor) goTo(ctx context.Context, from *checkpoint) error {
	c.reset()
	if err := c.rec.GoTo(ctx, from.position); err != nil {
		return err
	}
	c.state = from.state.State()
	c.played, c.failed = from.at, from.failed
	return c.read(ctx)
}

// checkpoints are those of a recording, in order. What a way back costs is the events from one to
// the next, not the time: they are about as many events apart everywhere. Methods may be called
// from any goroutine.
type checkpoints struct {
	mu     sync.Mutex
	kept   []*checkpoint
	bytes  int
	size   int // of the newest
	total  int // events of the whole recording
	played int // of these, as the survey counts them
	last   int // of these, at the newest one
}

// expect says how many events there will be.
func (c *checkpoints) expect(events int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total = events
}

// due counts the events that were played, and reports whether the next checkpoint should be kept.
func (c *checkpoints) due(events int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.played += events
	return c.played-c.last >= c.spacing()
}

// spacing returns how many events apart they would be if all were as large as the newest.
func (c *checkpoints) spacing() int {
	kept := maxKept
	if c.size > 0 {
		kept = min(kept, max(maxKeptBytes/c.size, 1))
	}
	return max(c.total/kept, minSpacing)
}

func (c *checkpoints) keep(one *checkpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.size = c.played, one.size
	one.events = c.played
	c.kept = append(c.kept, one)
	c.bytes += one.size
	for len(c.kept) > 1 && (len(c.kept) > maxKept || c.bytes > maxKeptBytes) {
		c.drop(c.leastMissed())
	}
}

// leastMissed returns which one leaves the shortest way between its neighbours. The newest stays.
func (c *checkpoints) leastMissed() int {
	least, shortest := 0, math.MaxInt
	before := 0
	for i := range len(c.kept) - 1 {
		if way := c.kept[i+1].events - before; way < shortest {
			least, shortest = i, way
		}
		before = c.kept[i].events
	}
	return least
}

func (c *checkpoints) drop(i int) {
	c.bytes -= c.kept[i].size
	c.kept = slices.Delete(c.kept, i, i+1)
}

// before returns the last one at or before a moment, nil if there is none.
func (c *checkpoints) before(at event.Time) *checkpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.kept), func(i int) bool { return c.kept[i].at > at })
	if i == 0 {
		return nil
	}
	return c.kept[i-1]
}
