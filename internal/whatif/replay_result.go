package whatif

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Result returns what the replay says, at the end of the recording.
func (r *Replay) Result(end event.Time) Result {
	total := Result{Survives: true, FirstFailure: -1}
	from := max(r.begin, r.changes.From)
	total.Duration = max(end.Sub(from), 0)
	for _, h := range r.order {
		h.advance(max(int64(end.Sub(r.begin)), h.engine.now))
		one := h.engine.result()
		total.merge(&one, h, from.Sub(r.begin))
		total.Spaces += len(h.flows)
		for _, f := range h.flows {
			total.Requests += f.opens
		}
	}
	total.Sustainable = r.sustainable()
	return total
}

// Busiest returns the configuration of the namespace with most opens, and its system as it is for
// its busiest destination; otherwise if no namespace has any.
func (r *Replay) Busiest(otherwise *Config) (*Config, System, error) {
	var busiest *host
	for _, h := range r.order {
		if busiest == nil || h.engine.opens > busiest.engine.opens {
			busiest = h
		}
	}
	if busiest == nil {
		s, err := otherwise.Resolve()
		return otherwise, s, err
	}
	var flow *flow
	for _, f := range busiest.flows {
		if flow == nil || f.opens > flow.opens {
			flow = f
		}
	}
	if flow == nil {
		return busiest.config, busiest.engine.sys, nil
	}
	return busiest.config, busiest.systemOf(flow), nil
}

// merge adds the result of a namespace. Peak and capacity are those of the fullest.
func (t *Result) merge(one *Result, h *host, offset time.Duration) {
	t.Failures += one.Failures
	t.Unplaced += one.Unplaced
	t.Opens += one.Opens
	t.Overflows += one.Overflows
	t.MostBuckets = max(t.MostBuckets, one.MostBuckets)
	if !one.Survives {
		t.Survives = false
		if first := max(one.FirstFailure-offset, 0); t.FirstFailure < 0 || first < t.FirstFailure {
			t.FirstFailure, t.Cause, t.Where = first, one.Cause, h.where()
		}
	}
	if t.Capacity == 0 || float64(one.Peak)*float64(t.Capacity) > float64(t.Peak)*float64(one.Capacity) {
		t.Peak, t.Capacity = one.Peak, one.Capacity
	}
}

// where returns between which ends a call failed first.
func (h *host) where() string {
	if h.first == nil {
		return ""
	}
	local := h.first.local.String()
	switch {
	case h.config.System.Scope == PerHost:
		return "the host"
	case h.config.System.Scope == PerLocal:
		return local
	case h.config.Profile.ByAddress:
		return fmt.Sprintf("%s -> %s", local, h.first.remote.Addr)
	case !h.first.remote.Known():
		return local + " (bind() to port 0)"
	}
	return fmt.Sprintf("%s -> %s", local, h.first.remote)
}
