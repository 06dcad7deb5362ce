package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxHistory is how many findings a History keeps.
const maxHistory = 256

// History merges what is found in successive snapshots, so that trouble is judged that is over
// by the last one. Of each finding it keeps the worst moment. The zero value is ready.
type History struct {
	kept   []kept
	last   time.Time                  // of the newest snapshot
	ranges map[uint32]event.PortRange // of its namespaces
}

// kept is a finding over time.
type kept struct {
	Finding                 // as of the worst moment
	ports   event.PortRange // of its namespace then
	seen    time.Time       // when it was found last
	until   time.Time       // when it went on last: a call that failed is found for some time after that
	grew    time.Time       // when its count grew last

	another      Cause     // that was found last, while calls failed
	anotherSince time.Time // without a break
}

// causeStands is for how long calls must fail of another cause before it takes the place of the first:
// a leak whose program ends leaves TIME_WAIT alone in the second of its last failures.
const causeStands = 2 * time.Second

// Add judges the next snapshot.
func (h *History) Add(s *snapshot.Snapshot) {
	h.last, h.ranges = s.Wall, rangesOf(s)
	for _, f := range Judge(s) {
		h.take(f, s.Wall)
	}
	h.bound()
}

// rangesOf returns the port range of each namespace of which it is known.
func rangesOf(s *snapshot.Snapshot) map[uint32]event.PortRange {
	ranges := map[uint32]event.PortRange{}
	for i := range s.Namespaces {
		if n := &s.Namespaces[i]; n.Ports.Known() {
			ranges[n.Inode] = n.Ports
		}
	}
	return ranges
}

func (h *History) take(f Finding, now time.Time) {
	at, ports := slices.IndexFunc(h.kept, func(k kept) bool { return k.same(&f) }), h.ranges[f.Subject.Netns]
	if at < 0 {
		h.kept = append(h.kept, kept{Finding: f, ports: ports, seen: now, until: f.lastly(now), grew: now})
		return
	}
	h.kept[at].take(f, ports, now)
}

// same reports whether the finding is of the same trouble, also if the cause was found to be
// another one.
func (k *kept) same(f *Finding) bool {
	return k.Key() == f.Key() || f.trouble != "" && k.trouble == f.trouble && k.isOf(f)
}

// isOf reports whether the same trouble has not been over in between.
func (k *kept) isOf(f *Finding) bool { return f.last.IsZero() || f.Since.Sub(k.seen) <= recently }

// lastly returns when the trouble of a finding went on last: when the last call failed, if that is what it is about.
func (f *Finding) lastly(now time.Time) time.Time {
	if f.goesOn || f.last.IsZero() {
		return now
	}
	return f.last
}

func (k *kept) take(f Finding, ports event.PortRange, now time.Time) {
	since := k.Since
	if f.Severity > k.Severity && f.count > 0 {
		since = f.Since // calls fail since then, and not since the ports began to fill
	}
	if !since.IsZero() && (f.Since.IsZero() || f.Since.Before(since)) {
		since = f.Since
	}
	victims, count, last := mergeWorst(k.Victims, f.Victims), max(k.count, f.count), later(k.last, f.last)
	if k.replacedBy(&f) && k.outlasted(&f, now) {
		severity, confidence := max(k.Severity, f.Severity), max(k.Confidence, f.Confidence)
		k.Finding, k.ports = f, ports
		k.Severity, k.Confidence = severity, confidence
	}
	if count > k.count {
		k.grew = now
		k.recount(count)
	}
	if !f.last.IsZero() || count == 0 || k.grew.Equal(now) {
		k.until = later(k.until, f.lastly(now))
	}
	k.Since, k.Victims, k.count, k.last = since, victims, count, last
	// A counter of the kernel never falls: what it has counted is over if it grows no more.
	if count == 0 || !f.last.IsZero() || now.Sub(k.grew) <= recently {
		k.seen = now
	}
}

// recount says how many calls have failed by now, in the words of the worst moment: its victims have as many.
func (k *kept) recount(count uint64) {
	before, now := foundNoPort(k.count), foundNoPort(count)
	k.Summary = strings.Replace(k.Summary, before, now, 1)
	k.Evidence = slices.Clone(k.Evidence)
	for i := range k.Evidence {
		if e := &k.Evidence[i]; e.Text == before {
			e.Text, e.Value = now, float64(count)
		}
	}
}

// outlasted notes the cause of the finding, and reports whether it has lasted long enough to stand for the
// trouble.
func (k *kept) outlasted(f *Finding, now time.Time) bool {
	if k.another != f.Cause {
		k.another, k.anotherSince = f.Cause, now
	}
	if f.Cause == k.Cause || k.unsettled || k.early || f.Severity > k.Severity || k.count == 0 {
		return true
	}
	return now.Sub(k.anotherSince) >= causeStands
}

// replacedBy reports whether the later finding says more: it is worse, or more calls have failed.
// What it says of the time after the last failure does not count: a leak whose program has ended
// leaves TIME_WAIT alone.
func (k *kept) replacedBy(f *Finding) bool {
	switch {
	case f.unsettled && !k.unsettled && !k.early:
		return false
	case f.Severity != k.Severity:
		return f.Severity > k.Severity
	case f.count == 0 && k.count == 0:
		return f.Confidence >= k.Confidence
	case (k.unsettled || k.early) && f.count == k.count:
		return true // the second in which it happened is over by now, and counted
	}
	return f.count > k.count
}

// mergeWorst returns the victims of two moments: their failures are counts since the start.
func mergeWorst(a, b []Victim) []Victim {
	all := slices.Clone(a)
	for _, v := range b {
		at := slices.IndexFunc(all, func(have Victim) bool { return programOf(&have.Proc) == programOf(&v.Proc) })
		switch {
		case at < 0:
			all = append(all, v)
		case v.Failures >= all[at].Failures:
			all[at] = v
		}
	}
	return mergeVictims(all, nil)
}

// Findings returns all that was found, those that go on and those that are over, the most urgent
// first. Until is set of those that the newest snapshot has no more.
func (h *History) Findings() []Finding {
	findings := make([]Finding, 0, len(h.kept))
	for i := range h.kept {
		f := h.kept[i].Finding
		if h.kept[i].seen.Before(h.last) {
			f.Until = later(h.kept[i].until, f.Since)
			f.notCome()
		}
		f.noteRange(h.kept[i].ports, h.ranges[f.Subject.Netns], h.last)
		findings = append(findings, f)
	}
	findings = joinExplained(findings)
	order(findings)
	return findings
}

// noteRange adds that the port range of the namespace is another one now: what is judged, and what to do,
// is of the one at the worst moment.
func (f *Finding) noteRange(then, now event.PortRange, at time.Time) {
	if then.Known() && now.Known() && then != now {
		f.Evidence = append(slices.Clone(f.Evidence), Evidence{
			Text: fmt.Sprintf("the port range was changed since: it is %d-%d now; figures and advice are of %d-%d", now.Low, now.High, then.Low, then.High), At: at,
		})
	}
}

// notCome makes a note of a forecast that is over: no call has failed, and the ports never were full.
func (f *Finding) notCome() {
	if f.forecast == "" || f.count > 0 {
		return
	}
	f.Severity = Info
	f.Summary = strings.Replace(f.Summary, f.forecast, "the load ended before the last port was taken", 1)
}

// bound gives up the least urgent ones that are over.
func (h *History) bound() {
	for len(h.kept) > maxHistory {
		least := 0
		for i := range h.kept {
			if h.kept[i].lessUrgent(&h.kept[least]) {
				least = i
			}
		}
		h.kept = slices.Delete(h.kept, least, least+1)
	}
}

func (k *kept) lessUrgent(than *kept) bool {
	if k.Severity != than.Severity {
		return k.Severity < than.Severity
	}
	return k.seen.Before(than.seen)
}
