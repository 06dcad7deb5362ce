package kerneltest

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// sampleEvery is the time between two readings, and so the error of atLeast and atMost.
const sampleEvery = 20 * time.Millisecond

// openSamples are readings of the kernel's own count of opened connections in a namespace.
// They may be used after stop.
type openSamples struct {
	samples []sample
	quit    chan struct{}
	done    chan struct{}
}

// sample is a reading at a moment between begin and end.
type sample struct {
	begin, end event.Time
	opens      uint64
}

// sampleOpens starts the readings, which end by themselves when the jobs of a test do.
func sampleOpens(t *testing.T, n *lab.Netns) *openSamples {
	t.Helper()
	c := &openSamples{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for over := time.Now().Add(jobLimit); time.Now().Before(over); {
			if err := c.read(n); err != nil {
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

func (c *openSamples) read(n *lab.Netns) error {
	begin := monotonic()
	counters, err := n.Netstat()
	c.samples = append(c.samples, sample{begin, monotonic(), counters["Tcp.ActiveOpens"]})
	return err
}

// stop ends the readings with a last one.
func (c *openSamples) stop(t *testing.T, n *lab.Netns) {
	t.Helper()
	close(c.quit)
	<-c.done
	noError(t, c.read(n))
}

// atLeast and atMost return bounds of the kernel's count at a moment.
func (c *openSamples) atLeast(at event.Time) (opens uint64) {
	for _, s := range c.samples {
		if s.end <= at {
			opens = s.opens
		}
	}
	return opens
}

func (c *openSamples) atMost(at event.Time) uint64 {
	for _, s := range c.samples {
		if s.begin >= at {
			return s.opens
		}
	}
	return c.samples[len(c.samples)-1].opens
}
