package kerneltest

import (
	"fmt"
	"os"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// facts are what is true, or what is reported, by the name of the measure: lines that can be
// compared.
type facts map[string][]string

func (f facts) add(measure string, words ...any) {
	f[measure] = append(f[measure], strings.TrimSpace(fmt.Sprintln(words...)))
}

// oneEnd is one end of a connection, or of an attempt at one.
type oneEnd struct {
	pid       int
	src, dst  event.Endpoint
	direction event.Direction
	closedBy  event.ClosedBy // 0: there was no connection
	resetBy   event.ClosedBy
	cookie    uint64 // 0: not known

	errno  event.Errno // of connect()
	reason event.Reason
	early  bool // it failed before a port was chosen
}

// addEnd adds what should be reported of it.
func (f facts) addEnd(l oneEnd) {
	ends := ends(l.src, l.dst)
	switch {
	case l.early:
		f.add("connect_errors", l.pid, l.errno, l.reason, l.dst)
		return
	case l.errno != 0:
		f.add("connect_errno", l.pid, l.errno, l.reason, l.dst)
	}
	if l.direction == event.Out && l.src.Port != 0 && l.reason != event.TupleTaken { // no SYN was sent then
		f.add("sport", ends)
		f.add("owner", ends, l.pid)
		if l.cookie != 0 {
			f.add("cookie", "open", ends, l.cookie)
		}
	}
	if l.closedBy == 0 {
		return
	}
	f.add("direction", ends, l.direction)
	f.add("closed_by", ends, l.closedBy, l.resetBy)
	if l.direction == event.In {
		f.add("accepted_owner", ends, l.pid)
	}
	if l.cookie != 0 {
		f.add("cookie", "close", ends, l.cookie)
	}
}

// otherEnd returns the accepted end of the same connection.
func (l oneEnd) otherEnd(pid int) oneEnd {
	l.pid, l.direction, l.cookie = pid, event.In, 0
	l.src, l.dst = l.dst, l.src
	l.closedBy, l.resetBy = peerView(l.closedBy), peerView(l.resetBy)
	return l
}

func peerView(by event.ClosedBy) event.ClosedBy {
	switch by {
	case event.Local:
		return event.Remote
	case event.Remote:
		return event.Local
	}
	return by
}

// addEvent adds what an event reports, and counts what it marks as inferred.
func (f facts) addEvent(tr *trace, e *event.Event, marked map[string]int) {
	add := func(measure string, words ...any) {
		f.add(measure, words...)
		if e.Inferred&inferredFields[measure] != 0 {
			marked[measure]++
		}
	}
	ends, pid := ends(e.Src, e.Dst), e.Proc.PID
	switch e.Kind {
	case event.Open:
		add("sport", ends)
		add("owner", ends, pid)
		if e.Flags.Has(event.Reused) {
			add("reused", ends)
		}
		f.addProcess(tr, e)
	case event.Close:
		add("direction", ends, e.Direction)
		add("closed_by", ends, e.ClosedBy, e.ResetBy)
		if e.Direction == event.In {
			add("accepted_owner", ends, pid)
		}
		if kind := bucket(e.Flags); kind != "" {
			add("time_wait", ends, kind)
		}
	case event.ConnectFail, event.BindFail:
		for range e.Count {
			add(failMeasure(e), pid, e.Errno, e.Reason, failEnd(e))
		}
	case event.Bind:
		add("bind", pid, e.Src)
	case event.SynUnanswered:
		if e.Dst != endpoint(unusedV4) { // whether that one's is sent again is a matter of timing
			add("syn_sent", pid, e.Dst)
		}
	}
	// Only this program asks for the cookies of its sockets.
	if e.Cookie != 0 && pid == uint32(os.Getpid()) && (e.Kind == event.Open || e.Kind == event.Close) {
		add("cookie", e.Kind, ends, e.Cookie)
	}
}

// addProcess adds what the short-lived programs are.
func (f facts) addProcess(tr *trace, e *event.Event) {
	if p := tr.procs[e.Proc]; p != nil && strings.HasPrefix(p.Comm, shortLived) {
		f.add("process", p.ID.PID, p.Comm, p.PPID, p.UID)
		if p.Exe != "" {
			f.add("executable", p.ID.PID, p.Exe)
		}
	}
}

func failMeasure(e *event.Event) string {
	switch {
	case e.Op == event.OpListen:
		return "listen_errno"
	case e.Kind == event.BindFail:
		return "bind_errno"
	case e.Flags.Has(event.HadPort), e.Reason == event.RangeExhausted, e.Reason == event.TupleTaken:
		return "connect_errno"
	}
	return "connect_errors"
}

// failEnd returns the end that a failure is about.
func failEnd(e *event.Event) event.Endpoint {
	if e.Kind == event.BindFail {
		return e.Src
	}
	return e.Dst
}

const (
	timeWaitBucket = "TIME_WAIT"
	finWait2Bucket = "FIN_WAIT2"
)

func bucket(flags event.Flags) string {
	switch {
	case flags.Has(event.TimeWait):
		return timeWaitBucket
	case flags.Has(event.FinWait2):
		return finWait2Bucket
	}
	return ""
}

func ends(src, dst event.Endpoint) string { return fmt.Sprint(src, " ", dst) }
