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

// life is something that sockets go through, together with what is to be told of it.
// Its sockets are those of this process, made by plain system calls, unless it says
// otherwise.
type life struct {
	name  string
	place place
	live  func(*world)
}

// place is where a life is lived: by itself, one namespace with both ends on its loopback
// device.
type place uint

const (
	linked    place = 1 << iota // the server has another, at the end of a veth pair
	twins                       // two that know nothing of each other
	inhabited                   // a process is in it; without one porttrace cannot ask for buckets there
	apart                       // lived before all others: it forks, and what is forked shares for a moment what others close
	alone     place = 0
)

// livesAtOnce bounds how many lives are lived at a time. Most of them wait for a timer.
const livesAtOnce = 8

// Every life that a socket can have is told as it was: compared with what the program
// did, and with the counters and TIME_WAIT buckets of its namespace. They are lived side
// by side under one tracer, since attaching takes longer than all of them.
//
// Where the processor stands still in the midst of a program, as an emulated one does, the
// kernel skips runs of the others and says so. A life that is told wrongly then, or that
// took another course, is lived again.
func TestScenarios(t *testing.T) {
	const tries = 4
	left := slices.Concat(closingLives, connectLives, rangeLives, bucketLives, bindLives, ownerLives, addressLives, uringLives, mptcpLives)
	for try := range tries {
		left = liveAll(t, left, try == tries-1)
	}
}

// liveAll lives lives and reports how they were told. It returns those that are to be
// lived again, which are none the last time.
func liveAll(t *testing.T, lives []life, last bool) (again []life) {
	if len(lives) == 0 {
		return nil
	}
	worlds := make([]*world, len(lives))
	var nets []*lab.Netns
	for i, l := range lives {
		worlds[i] = newWorld(t, l.place)
		nets = append(nets, worlds[i].nets()...)
	}
	tr := begin(t, live.Options{}, nets...)
	liveInTurn(lives, worlds, func(p place) bool { return p&apart != 0 }, 1)
	liveInTurn(lives, worlds, func(p place) bool { return p&apart == 0 }, livesAtOnce)
	tr.end(nil)

	for i, l := range lives {
		w := worlds[i]
		wrong := tr.judge(t, w)
		if len(wrong) > 0 && !last && (tr.ledger.health.Missed > 0 || w.strayed()) {
			t.Logf("%s is to be lived again: %s", l.name, strings.Join(wrong, "\n"))
			again = append(again, l)
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			if w.lacks != "" {
				t.Skip(w.lacks)
			}
			for _, text := range wrong {
				t.Error(text)
			}
		})
	}
	return again
}

// liveInTurn lives those lives that belong to a place, so many at a time.
func liveInTurn(lives []life, worlds []*world, belongs func(place) bool, atOnce int) {
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, l := range lives {
		if !belongs(l.place) {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			worlds[i].run(l.live)
			<-slots
		})
	}
	group.Wait()
}

// judge says what is wrong with a life or with what is told of it.
func (tr *trace) judge(t *testing.T, w *world) (wrong []string) {
	t.Helper()
	if w.err != nil {
		return []string{w.err.Error()}
	}
	if w.lacks != "" {
		return nil
	}
	for _, n := range w.nets() {
		wrong = slices.Concat(wrong, tr.wrongTales(w, n), tr.wrongWords(t, w, n))
	}
	return wrong
}

// tale is an event as a line of text: what, of whom, where.
type tale struct{ what, who, where string }

func (s tale) String() string { return fmt.Sprintf("%s: %s %s", s.what, s.who, s.where) }

// inKernel is the executable of kernel threads, which have no pid to foresee.
const inKernel = "[kernel]"

func between(local, remote any) string { return fmt.Sprint(local, " > ", remote) }

// tell is what a user learns of an event, but for what has tests of its own.
func tell(e *event.Event) tale {
	words := []string{e.Kind.String()}
	if e.Kind == event.BindFail {
		words = append(words, e.Op.String())
	}
	words = append(words, e.Errno.String(), e.Reason.String(), e.ClosedBy.String(), e.ResetBy.String())
	for _, f := range []struct {
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
		if e.Flags.Has(f.flag) {
			words = append(words, f.word)
		}
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	s := tale{what: strings.Join(words, " "), who: fmt.Sprint(e.Direction, " ", e.Proc.PID), where: between(e.Src, e.Dst)}
	switch {
	case e.Kind == event.Bind, e.Kind == event.BindFail:
		s.where = e.Src.String()
	case e.Src.Port == 0:
		s.where = between("-", e.Dst)
	}
	return s
}

// wrongTales holds the events of a namespace against those that are wanted.
func (tr *trace) wrongTales(w *world, n *lab.Netns) (wrong []string) {
	var got, want []string
	for i := range tr.events {
		e := &tr.events[i]
		if e.Netns != n.Inode() || !e.Kind.Public() {
			continue
		}
		s := tell(e)
		if p := tr.procs[e.Proc]; p != nil && p.Exe == inKernel {
			s.who = fmt.Sprint(e.Direction, " ", inKernel)
		}
		got = append(got, w.line(s))
		if e.Direction == event.In && e.Listener.PID != uint32(os.Getpid()) {
			wrong = append(wrong, fmt.Sprintf("the listener is said to be %d: %s", e.Listener.PID, s))
		}
	}
	for _, s := range w.wants[n] {
		if s, seen := tr.seen(w, s); seen {
			want = append(want, w.line(s))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		wrong = append(wrong, fmt.Sprintf("namespace %d: told are\n\t%s\nwant\n\t%s", n.Inode(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t")))
	}
	return wrong
}

// seen leaves out what the hooks that may be used do not see.
func (tr *trace) seen(w *world, s tale) (tale, bool) {
	if !strings.HasPrefix(tr.signal("connect").Hook, "fexit/") {
		s.what = strings.Replace(s.what, " reused", "", 1)
	}
	shows := func(signal string) bool { return !w.hidden || !strings.HasSuffix(tr.signal(signal).Hook, "/sys_exit") }
	kind, more, _ := strings.Cut(s.what, " ")
	switch {
	case kind == event.Bind.String(), kind == event.BindFail.String() && strings.HasPrefix(more, event.OpBind.String()):
		return s, tr.seesBinds() && shows("bind")
	case kind == event.ConnectFail.String() && strings.HasPrefix(s.where, "- ") && s.what != noPortLeft:
		return s, tr.exact("connect_errors") && shows("connect_errors")
	}
	return s, true
}

// line is s, as far as it is known how it will be. Whether a bucket waits for a FIN depends
// on how fast the peer was: see finWithin.
func (w *world) line(s tale) string {
	if w.loose {
		s.what, _, _ = strings.Cut(s.what, " ")
		if strings.HasPrefix(s.who, "in ") {
			s.who, _, _ = strings.Cut(s.who, " ")
		}
	}
	if w.late {
		s.what = strings.Replace(s.what, "fin_wait2", "time_wait", 1)
	}
	return s.String()
}
