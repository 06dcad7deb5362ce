package otlphttp

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// maxQueued is how many requests wait at most; a request has 512 log records or all metrics.
	maxQueued = 16
	// lastTime is for how long what waits is still sent after the end.
	lastTime = 2 * time.Second
)

// Queue sends requests in the background, so that a collector that is slow or down keeps nothing waiting: the
// oldest requests give way to new ones.
type Queue struct {
	clients map[string]*Client // by signal
	name    string             // of the collector
	waiting chan queued
	say     func(line string)
	cancel  context.CancelFunc
	down    bool
	failed  int // requests since it is down
}

// queued is a request that waits.
type queued struct {
	signal string
	body   []byte
}

// NewQueue returns a Queue for the URL of a collector, to whose path that of each signal is added ("logs":
// /v1/logs). headers are as for New. say gets a line when sending fails, and one when it works again.
func NewQueue(ctx context.Context, endpoint, headers string, say func(line string), signals ...string) (*Queue, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &Queue{clients: map[string]*Client{}, name: endpoint, waiting: make(chan queued, maxQueued), say: say, cancel: cancel}
	for _, signal := range signals {
		c, err := New(ctx, strings.TrimRight(endpoint, "/")+"/v1/"+signal, headers)
		if err != nil {
			cancel()
			return nil, err
		}
		q.clients[signal] = c
	}
	if u, err := url.Parse(endpoint); err == nil {
		q.name = u.Redacted()
	}
	return q, nil
}

// Writer returns a writer of requests of a signal, which takes each at once and without an error. It is for one
// goroutine.
func (q *Queue) Writer(signal string) func(body []byte) (int, error) {
	return func(body []byte) (int, error) {
		r := queued{signal, slices.Clone(body)}
		for {
			select {
			case q.waiting <- r:
				return len(body), nil
			default:
			}
			select {
			case <-q.waiting:
			default:
			}
		}
	}
}

// Run sends until the context ends, and then for up to two seconds what waits.
func (q *Queue) Run(ctx context.Context) {
	defer q.cancel()
	context.AfterFunc(ctx, func() { time.AfterFunc(lastTime, q.cancel) }) // also of one that is being sent
	for ctx.Err() == nil {
		select {
		case r := <-q.waiting:
			q.send(r)
		case <-ctx.Done():
		}
	}
	for len(q.waiting) > 0 {
		q.send(<-q.waiting)
	}
}

func (q *Queue) send(r queued) {
	_, err := q.clients[r.signal].Write(r.body)
	switch {
	case err != nil && !q.down:
		q.down, q.failed = true, 1
		q.say(err.Error() + "; tracing goes on, and what comes is tried")
	case err != nil:
		q.failed++
	case q.down:
		q.down = false
		q.say(fmt.Sprintf("sending to %s works again: %d requests are lost, and those that had no room", q.name, q.failed))
	}
}
