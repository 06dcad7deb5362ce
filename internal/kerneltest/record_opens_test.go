package kerneltest

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// sampleEvery is how often a curve is asked for. It is the error of what it says.
const sampleEvery = 20 * time.Millisecond

// curve is how many connections the kernel itself says were opened in a namespace, over
// time. It may be asked after stop.
type curve struct {
	samples []sample
	quit    chan struct{}
	done    chan struct{}
}

// sample is what the kernel said at a moment between begin and end.
type sample struct {
	begin, end event.Time
	opens      uint64
}

// follow begins a curve, which ends by itself when the jobs of a test do at the latest.
func follow(t *testing.T, n *lab.Netns) *curve {
	t.Helper()
	c := &curve{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for over := time.Now().Add(longest); time.Now().Before(over); {
			if err := c.look(n); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-c.quit:
				return
			case <-time.After(sampleEvery):
			}
		}
	}()
	return c
}

func (c *curve) look(n *lab.Netns) error {
	begin := monotonic()
	counters, err := n.Netstat()
	c.samples = append(c.samples, sample{begin, monotonic(), counters["Tcp.ActiveOpens"]})
	return err
}

// stop ends the curve with a last look at n.
func (c *curve) stop(t *testing.T, n *lab.Netns) {
	t.Helper()
	close(c.quit)
	<-c.done
	if err := c.look(n); err != nil {
		t.Fatal(err)
	}
}

// atLeast and atMost are between what the kernel had counted at a moment.
func (c *curve) atLeast(at event.Time) (opens uint64) {
	for _, s := range c.samples {
		if s.end <= at {
			opens = s.opens
		}
	}
	return opens
}

func (c *curve) atMost(at event.Time) uint64 {
	for _, s := range c.samples {
		if s.begin >= at {
			return s.opens
		}
	}
	return c.samples[len(c.samples)-1].opens
}
