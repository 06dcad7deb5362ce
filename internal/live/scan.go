package live

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

const (
	// A scan of all sockets costs some 15 ms for 28,000 of them, and its comparison with the
	// table in the pipeline up to as much. Both together may take a hundredth of a
	// processor, and a scan begins once a second at most.
	scanInterval = time.Second
	scanShare    = 200 // as an inverse: half of that for the scan itself
	// While pairs are limited, ports are known from scans alone: these may take the processor time
	// of 10,000 events a second, which are not sent then.
	limitedShare = scanShare / 2
	// Where less happens than quietRate events a second, the events have shown nearly all of it, and a
	// scan finds little: half of the usual time is enough for what a storm has left behind.
	quietShare = 2 * scanShare
	quietRate  = 100
	// What was only counted, or not even seen, leaves sockets in the table that have ended. When hardly
	// any comes in a second any more, a scan ends that: it begins unless the last one has just cost much.
	// Hardly any is less than one of settleRatio: what a filter leaves out never ceases on a busy host.
	settleShare = scanShare / 4
	settleRatio = 10
	// maxReported bounds the memory of which processes were reported.
	maxReported = 1 << 14
	// scanPatience is how long the first screen and the last one wait for a scan that is
	// running.
	scanPatience = 150 * time.Millisecond
	// wideInterval is how often a scan has the ports outside the port range, too: accepted
	// connections from before the start are found there, and that they have ended unseen.
	wideInterval = time.Minute
)

// scans runs scans of all sockets, one at a time, beside the reading of events.
type scans struct {
	scanner   scanner
	interval  time.Duration // between beginnings; 0: by the cost
	results   chan scanResult
	running   bool
	stopped   atomic.Bool
	repeats   atomic.Bool // see repeat
	next      event.Time  // not before then does the next one begin
	nextWide  event.Time  // the same of one of all ports
	any       bool        // one has ended
	limited   bool        // pairs are only counted, see probe.Options.DetailLimit
	occurred  uint64      // events by now, those that were only counted too
	before    uint64      // the same when the last one was finished
	finished  event.Time  // when that was
	unlisted  uint64      // events by now that were only counted or lost, and runs that were skipped
	unsettled uint64      // the most in a second since hardly any came
	settles   bool        // hardly any comes, after many: a scan of all ports is wanted
	soonest   event.Time  // when that may begin
	scanned   []uint32    // namespaces of the last one
	gone      []uint32    // namespaces of the one before that do not exist any more
	reported  map[event.ProcID]bool
	result    event.Scan
	counts    *counts   // nil: nothing else is counted
	describer describer // of the goroutine that scans
}

// confinements returns the ports to which a scan is confined, and those of a second one if the
// first finds more sockets than it may: what takes no port of the range is of less interest.
func (t *target) confinements() []event.PortRange {
	if t.wide && t.ports.Known() {
		return []event.PortRange{{}, t.ports}
	}
	return []event.PortRange{t.ports}
}

// scanResult is what a scan has found.
type scanResult struct {
	began     event.Time
	cost      time.Duration // in processor time
	netns     []event.NetnsScan
	counted   []event.Event   // files and UDP ports, without the time
	processes []event.Process // the holders, and those of counted, that were not reported before
}

// target is a namespace to scan.
type target struct {
	inode uint32
	ports event.PortRange // its port range
	wide  bool            // ports outside it, too

	reserved string // ports of the range that no call is given
}

func newScans(s scanner) *scans {
	return &scans{
		scanner: s, results: make(chan scanResult, 1), reported: map[event.ProcID]bool{},
	}
}

// beginIfDue starts a scan of the namespaces that targets returns, if one is due. It must not
// be called before the reader has done with the result of the last one, of which the memory may
// be given back then.
func (s *scans) beginIfDue(targets func() []target, now event.Time) {
	s.result = event.Scan{}
	if s.running || s.stopped.Load() {
		return
	}
	if s.repeats.Swap(false) {
		s.next, s.nextWide = now, now
		s.counts.repeat()
	}
	if s.settles && now >= s.soonest {
		s.settles, s.next, s.nextWide = false, now, now
	}
	if now >= s.next {
		s.begin(targets(), now)
	}
}

// observe takes how many events there were by now, once a second.
func (s *scans) observe(h *event.Health) {
	s.occurred = h.Occurred()
	unlisted := max(h.LostDetails+h.Limited+h.Filtered+h.Lost+h.Missed, s.unlisted)
	came := unlisted - s.unlisted
	s.unlisted = unlisted
	if came*settleRatio < s.unsettled {
		s.settles, s.unsettled = true, came
	}
	s.unsettled = max(s.unsettled, came)
}

// repeat has a scan of all ports begin as soon as none is running, and what is counted after it
// reported although it has not changed: a recording begins. Any goroutine may call it.
func (s *scans) repeat() { s.repeats.Store(true) }

func (s *scans) begin(targets []target, now event.Time) {
	s.running = true
	if len(s.reported) > maxReported {
		clear(s.reported) // to report a process twice does no harm
	}
	inodes := make([]uint32, len(targets))
	for i := range targets {
		inodes[i] = targets[i].inode
		targets[i].wide = now >= s.nextWide
	}
	if now >= s.nextWide {
		s.nextWide = now.Add(wideInterval)
	}
	for _, inode := range s.scanned {
		if !slices.Contains(inodes, inode) {
			s.gone = append(s.gone, inode)
		}
	}
	s.scanned = inodes
	var failed failedNow
	if s.counts != nil {
		failed = s.counts.failing.now(now)
	}
	go func() { s.results <- s.run(targets, failed) }() // finish and stop wait for it
}

// run scans, beside the reading of events.
func (s *scans) run(targets []target, failed failedNow) scanResult {
	r := scanResult{began: monotonic()}
	r.netns, r.cost = s.scanner.scan(targets, &s.stopped)
	if s.counts != nil && !s.stopped.Load() {
		r.counted = s.counts.count(s.scanner, targets, r.netns, failed)
	}
	r.cost += linux.CPUTime(func() { r.processes = s.readHolders(&r) })
	return r
}

// readHolders reads the holders of sockets that were not reported before.
func (s *scans) readHolders(r *scanResult) []event.Process {
	var list []event.Process
	read := map[event.ProcID]bool{}
	add := func(id event.ProcID) {
		if !id.Known() || s.reported[id] || read[id] {
			return
		}
		read[id] = true
		if p, ok := s.describer.read(id); ok {
			list = append(list, p)
		}
	}
	for _, one := range r.netns {
		for _, e := range one.Sockets.All() {
			add(e.Proc)
		}
	}
	for i := range r.counted {
		add(r.counted[i].Proc)
		if use, ok := r.counted[i].Fact.(*event.UDPUse); ok {
			for _, h := range use.Holders {
				add(h.Proc)
			}
		}
	}
	return list
}

// wait returns the result of the running scan if it is done within the time, else nil.
func (s *scans) wait(patience time.Duration) *scanResult {
	if !s.running {
		return nil
	}
	var late <-chan time.Time // never, if the result is there
	if len(s.results) == 0 {
		late = time.After(patience)
	}
	select {
	case r := <-s.results:
		s.running = false // it has ended, even if finish is not called because of an error
		return &r
	case <-late:
		return nil
	}
}

// finish takes the result of a scan. Everything that happened before its end must be in the
// stream already. It appends the processes to report, and returns what was found, valid
// until beginIfDue is called.
func (s *scans) finish(dst []event.Event, r *scanResult, now event.Time) ([]event.Event, *event.Scan) {
	s.next = r.began.Add(cmp.Or(s.interval, max(scanInterval, s.share(now)*r.cost)))
	s.before, s.finished = s.occurred, now
	s.soonest = r.began.Add(max(scanInterval, settleShare*r.cost))
	for i := range r.processes {
		p := &r.processes[i]
		s.reported[p.ID] = true
		dst = append(dst, event.Event{Time: now, Kind: event.ProcessKnown, Fact: p})
	}
	for _, e := range r.counted {
		e.Time = now
		dst = append(dst, e)
	}
	if !s.any {
		for i := range r.netns {
			markBeforeStart(&r.netns[i].Sockets)
		}
	}
	s.any = true
	for _, inode := range s.gone {
		r.netns = append(r.netns, event.NetnsScan{Census: event.Census{Netns: inode, Bound: true}, Gone: true})
	}
	s.gone = s.gone[:0]
	s.result = event.Scan{At: now, Netns: r.netns}
	return dst, &s.result
}

// share returns which part of the time scans may take by what has happened since the last one, as its
// inverse for one scan without its comparison.
func (s *scans) share(now event.Time) time.Duration {
	switch {
	case s.limited:
		return limitedShare
	case s.any && float64(s.occurred-s.before) < quietRate*now.Sub(s.finished).Seconds():
		return quietShare
	}
	return scanShare
}

func markBeforeStart(sockets *event.FoundList) {
	for i, e := range sockets.All() {
		e.Flags |= event.BeforeStart
		sockets.Set(i, &e)
	}
}

// stop ends the running scan, and waits for it.
func (s *scans) stop() {
	s.stopped.Store(true)
	if s.running {
		<-s.results
		s.running = false
	}
}
