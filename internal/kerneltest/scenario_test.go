package kerneltest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// scenario is something that sockets go through, together with the events that should be
// reported of it. Its sockets are those of this process, made by plain system calls, unless it
// says otherwise.
type scenario struct {
	name  string
	setup setup
	run   func(*fixture)
}

// setup is what a scenario needs. Without any flag that is one namespace with both ends on its
// loopback device.
type setup uint

const (
	overVeth    setup = 1 << iota // the server has another namespace, at the end of a veth pair
	twoNetns                      // the server has another namespace, without a connection
	withProcess                   // a process is in it; without one porttrace cannot ask for buckets there
	fewBuckets                    // TIME_WAIT is limited to bucketRoom before the tracer starts
	exclusive                     // runs before all others: it forks, and what is forked shares for a moment what others close
	plain       setup = 0
)

// scenariosAtOnce bounds how many run at a time. Most of them wait for a timer.
const scenariosAtOnce = 8

// Every scenario is reported as it happened: compared with what the program did, and with the
// counters and TIME_WAIT buckets of its namespace. All run under one tracer, since attaching
// takes longer than all of them.
//
// If the processor stops in the middle of a program, as an emulated one does, the kernel skips
// runs of the other programs and counts them. A scenario that is reported wrongly then, or that
// took another course, runs again; it becomes a subtest when its result is final.
func TestScenarios(t *testing.T) {
	left := slices.Concat(closeScenarios, connectScenarios, rangeScenarios, bucketScenarios, bindScenarios,
		ownerScenarios, addressScenarios, uringScenarios, mptcpScenarios)
	for number := 1; number <= maxAttempts && len(left) > 0; number++ {
		left = runScenarios(t, left, number)
	}
}

// runScenarios runs scenarios and reports the results that are final. It returns the others,
// which are none in the last attempt.
func runScenarios(t *testing.T, scenarios []scenario, number int) (again []scenario) {
	fixtures := make([]*fixture, len(scenarios))
	var nets []*lab.Netns
	for i, s := range scenarios {
		fixtures[i] = newFixture(t, s.setup)
		nets = append(nets, fixtures[i].nets()...)
	}
	tr := begin(t, live.Options{}, nets...)
	runSome(scenarios, fixtures, func(p setup) bool { return p&exclusive != 0 }, 1)
	runSome(scenarios, fixtures, func(p setup) bool { return p&exclusive == 0 }, scenariosAtOnce)
	tr.end(nil)

	for i, s := range scenarios {
		f := fixtures[i]
		wrong := tr.check(t, f)
		skipped := tr.ledger.health.Missed
		if len(wrong) > 0 && number < maxAttempts && (skipped > 0 || f.orphanDisturbed()) {
			logRetry(t, number, skipped, append([]string{s.name}, wrong...))
			again = append(again, s)
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if f.unsupported != "" {
				t.Skip(f.unsupported)
			}
			for _, text := range wrong {
				t.Error(text)
			}
		})
	}
	return again
}

// runSome runs the scenarios whose setup is selected, several at a time.
func runSome(scenarios []scenario, fixtures []*fixture, selected func(setup) bool, atOnce int) {
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, s := range scenarios {
		if !selected(s.setup) {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			fixtures[i].run(s.run)
			<-slots
		})
	}
	group.Wait()
}

// check returns what is wrong with a scenario or with what is reported of it.
func (tr *trace) check(t *testing.T, f *fixture) (wrong []string) {
	t.Helper()
	if f.err != nil {
		return []string{f.err.Error()}
	}
	if f.unsupported != "" {
		return nil
	}
	for _, n := range f.nets() {
		wrong = slices.Concat(wrong, tr.wrongEvents(f, n), tr.wrongCounters(t, f, n))
	}
	return wrong
}

// eventText is an event as text. Example: "close local time_wait", "out 4711",
// "127.0.0.1:32768 > 127.0.0.1:80".
type eventText struct{ what, owner, ends string }

func (s eventText) String() string { return fmt.Sprintf("%s: %s %s", s.what, s.owner, s.ends) }

// inKernel is the executable of kernel threads, whose pids are not known in advance.
const inKernel = "[kernel]"

func between(local, remote any) string { return fmt.Sprint(local, " > ", remote) }

// textOf returns what a user gets of an event, without what has tests of its own.
func textOf(e *event.Event) eventText {
	words := []string{e.Kind.String()}
	if e.Kind == event.BindFail {
		words = append(words, e.Op.String())
	}
	words = append(words, e.Errno.String(), e.Reason.String(), e.ClosedBy.String(), e.ResetBy.String())
	for _, named := range []struct {
		flag event.Flags
		word string
	}{
		{event.TimeWait, "time_wait"},
		{event.FinWait2, "fin_wait2"},
		{event.InCloseWait, "close_wait"},
		{event.EarlyBind, "early_bind"},
		{event.Reused, "reused"},
		{event.Unanswered, "unanswered"},
		{event.Mapped, "mapped"},
		{event.ReuseAddr, "reuse_addr"},
		{event.ReusePort, "reuse_port"},
	} {
		if e.Flags.Has(named.flag) {
			words = append(words, named.word)
		}
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	s := eventText{what: strings.Join(words, " "), owner: fmt.Sprint(e.Direction, " ", e.Proc.PID), ends: between(e.Src, e.Dst)}
	switch {
	case e.Kind == event.Bind, e.Kind == event.BindFail:
		s.ends = e.Src.String()
	case e.Src.Port == 0:
		s.ends = between("-", e.Dst)
	}
	return s
}

// wrongEvents compares the events of a namespace with the expected ones.
func (tr *trace) wrongEvents(f *fixture, n *lab.Netns) (wrong []string) {
	var got, want []string
	resent := 0 // SYNs that were lost on the way, as while a link comes up
	for i := range tr.events {
		e := &tr.events[i]
		if e.Netns != n.Inode() || !e.Kind.Public() {
			continue
		}
		if e.Kind == event.SynUnanswered && !f.losesSYNs(n) {
			resent++
			continue
		}
		s := textOf(e)
		if p := tr.procs[e.Proc]; p != nil && p.Exe == inKernel {
			s.owner = fmt.Sprint(e.Direction, " ", inKernel)
		}
		got = append(got, f.comparable(s))
		if e.Direction == event.In && e.Listener.PID != uint32(os.Getpid()) {
			wrong = append(wrong, fmt.Sprintf("the listener is reported as %d: %s", e.Listener.PID, s))
		}
	}
	for _, s := range f.expected[n] {
		if s, visible := tr.visible(f, s); visible {
			want = append(want, f.comparable(s))
		}
	}
	// Newer kernels (6.18 is one) also report a SYN whose timer has fired and that could not be sent again,
	// as the first one still waits for the address of the neighbour.
	counters := f.kernel[n].counters
	most := counters["TcpExt.TCPSynRetrans"] + counters["TcpExt.TCPRetransFail"] + counters["TcpExt.TCPSpuriousRtxHostQueues"]
	if uint64(resent) > most {
		wrong = append(wrong, fmt.Sprintf("namespace %d: %d SYNs are reported without an answer, the kernel's timers have fired for %d", n.Inode(), resent, most))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		wrong = append(wrong, fmt.Sprintf("namespace %d: reported are\n\t%s\nwant\n\t%s", n.Inode(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t")))
	}
	return wrong
}

// losesSYNs reports whether the scenario expects SYNs to be sent again.
func (f *fixture) losesSYNs(n *lab.Netns) bool { return f.count(n, event.SynUnanswered.String()) > 0 }

// visible returns an expected event as the hooks that may be used report it, and whether they
// report it at all.
func (tr *trace) visible(f *fixture, s eventText) (eventText, bool) {
	if !strings.HasPrefix(tr.signal("connect").Hook, "fexit/") {
		s.what = strings.Replace(s.what, " reused", "", 1)
	}
	shows := func(signal string) bool {
		return !f.noSysExit || !strings.HasSuffix(tr.signal(signal).Hook, "/sys_exit")
	}
	if s.what == noRouteFromPort {
		if !tr.exact("connect") || !tr.exact("connect_errors") { // state changes do not show its errno
			s.what = "connect_fail other"
		}
		return s, true
	}
	kind, more, _ := strings.Cut(s.what, " ")
	switch {
	case kind == event.Bind.String(), kind == event.BindFail.String() && strings.HasPrefix(more, event.OpBind.String()):
		return s, tr.seesBinds() && shows("bind")
	case kind == event.ConnectFail.String() && strings.HasPrefix(s.ends, "- ") && s.what != noPortLeft:
		return s, tr.exact("connect_errors") && shows("connect_errors")
	}
	return s, true
}

// comparable returns the text without what this scenario does not determine. Whether a bucket
// waits for a FIN depends on how fast the peer was: see finWithin.
func (f *fixture) comparable(s eventText) string {
	if f.orderUnknown {
		s.what, _, _ = strings.Cut(s.what, " ")
		if strings.HasPrefix(s.owner, "in ") {
			s.owner, _, _ = strings.Cut(s.owner, " ")
		}
	}
	if f.finLate {
		s.what = strings.Replace(s.what, "fin_wait2", "time_wait", 1)
	}
	return s.String()
}
