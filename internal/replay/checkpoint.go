package replay

import (
	"context"
	"sort"
	"sync"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

const (
	// minSpacing is how many events a player replays without delay: some 20 ms.
	minSpacing = 20_000
	// maxKept and maxKeptBytes bound the checkpoints. Beyond that every second one goes, and the
	// next ones are twice as far apart.
	maxKept      = 200
	maxKeptBytes = 192 << 20
)

// checkpoint is a state that was reached, to go on from without playing what came before.
type checkpoint struct {
	at       event.Time // the last batch in it
	position uint64     // of the batch after it
	failed   uint64
	state    *pipeline.State // never changes: it is cloned to be used
	size     int             // bytes, about
}

// checkpoint returns the state that was reached.
func (c *cursor) checkpoint() *checkpoint {
	state, size := c.state.Clone()
	state.WatchThresholds(false)
	return &checkpoint{at: c.played, position: c.position, failed: c.failed, state: state, size: size}
}

// goTo makes a checkpoint the state that was reached.
func (c *cursor) goTo(ctx context.Context, from *checkpoint) error {
	c.reset()
	if err := c.rec.GoTo(ctx, from.position); err != nil {
		return err
	}
	c.state, _ = from.state.Clone()
	c.played, c.failed = from.at, from.failed
	return c.read(ctx)
}

// checkpoints are those of a recording, in order. Methods may be called from any goroutine.
type checkpoints struct {
	mu      sync.Mutex
	kept    []*checkpoint
	bytes   int
	spacing int // events between two
	passed  int // since the last one, as the survey counts them
}

// due counts the events that were played, and reports whether the next checkpoint should be kept.
func (c *checkpoints) due(events int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += events
	return c.passed >= max(c.spacing, minSpacing)
}

func (c *checkpoints) keep(one *checkpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed = 0
	c.kept = append(c.kept, one)
	c.bytes += one.size
	for len(c.kept) > maxKept || c.bytes > maxKeptBytes && len(c.kept) > 1 {
		c.thin()
	}
}

// thin gives up every second one.
func (c *checkpoints) thin() {
	c.spacing = 2 * max(c.spacing, minSpacing)
	c.bytes = 0
	kept := c.kept[:0]
	for i, one := range c.kept {
		if i%2 == 1 {
			kept = append(kept, one)
			c.bytes += one.size
		}
	}
	clear(c.kept[len(kept):])
	c.kept = kept
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
