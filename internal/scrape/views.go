// Package scrape serves metrics over HTTP: what Prometheus scrapes, whether the process is well, and a page
// for people. What a request costs does not grow with their number: see Views and pages.
package scrape

import (
	"context"
	"sync"
	"time"
)

const (
	// wantedFor is for how long after a scrape views are made: Prometheus scrapes once a minute or more often.
	wantedFor = 2 * time.Minute
	// freshFor is how old a view may be that is served at once: on a large host they are made every 5 s.
	freshFor = 10 * time.Second
	// patience is for how long a scrape waits for the first view, and for one that is newer than freshFor.
	patience = 3 * time.Second
	// stuckAfter is for how long the stream may stand still before the process counts as ill.
	stuckAfter = 30 * time.Second
)

// Views is where the tracing leaves what scrapes show. It says whether anyone needs that: without scrapes
// nothing is made.
type Views struct {
	now func() time.Time

	mu      sync.Mutex
	began   time.Time
	moved   time.Time // when the stream did last
	ready   bool
	scraped time.Time
	made    time.Time     // when the newest view was; zero: there is none
	next    chan struct{} // closed when the next one is made
}

// NewViews returns Views of a stream that begins now.
func NewViews() *Views { return newViews(time.Now) }

func newViews(now func() time.Time) *Views {
	return &Views{now: now, began: now(), next: make(chan struct{})}
}

// Move must be called when the stream moves.
func (v *Views) Move() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.moved = v.now()
}

// Ready must be called when all that existed at the start is known.
func (v *Views) Ready() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ready = true
}

// Wanted reports whether the next view is needed.
func (v *Views) Wanted() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.scraped.IsZero() && v.now().Sub(v.scraped) < wantedFor
}

// Made must be called when there is a newer view.
func (v *Views) Made() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.made = v.now()
	close(v.next)
	v.next = make(chan struct{})
}

// Await returns whether there is a view to show, as a scrape wants it. It waits for one if there is none, or only an old one.
func (v *Views) Await(ctx context.Context) bool {
	v.mu.Lock()
	v.scraped = v.now()
	fresh, next := !v.made.IsZero() && v.scraped.Sub(v.made) < freshFor, v.next
	v.mu.Unlock()
	if fresh {
		return true
	}
	select {
	case <-next:
	case <-ctx.Done():
	case <-time.After(patience):
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.made.IsZero()
}

// stuck returns for how long the stream has stood still, 0 if it moves.
func (v *Views) stuck() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	last := v.moved
	if last.IsZero() {
		last = v.began
	}
	if still := v.now().Sub(last); still > stuckAfter {
		return still
	}
	return 0
}

func (v *Views) isReady() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ready
}
