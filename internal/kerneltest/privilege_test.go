package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/docs"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kerneltest/figures"
	"github.com/porttrace/porttrace/internal/lab"
)

// all stands for those of root.
var all = []uintptr{^uintptr(0)}

// privilege is a column of the table in docs/accuracy.md.
type privilege struct {
	name         string
	capabilities []uintptr
}

var privileges = []privilege{
	{"BPF + PERFMON", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}},
	{"and NET_ADMIN", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN}},
	{"and SYS_PTRACE", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_PTRACE}},
	{"and both + DAC_READ_SEARCH", []uintptr{
		unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH,
	}},
	{"SYS_ADMIN", []uintptr{unix.CAP_SYS_ADMIN}},
	{"SYS_ADMIN + SYS_PTRACE", []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE}},
	{"root", all},
}

// users are who is tried: where attaching takes seconds, those among whom the hooks differ.
func users() []privilege {
	if testing.Short() {
		return []privilege{privileges[0], privileges[1], privileges[4], privileges[6]}
	}
	return privileges
}

// TestPrivileges lets users with different capabilities watch the same, and holds what
// each of them sees against the table in docs/accuracy.md.
func TestPrivileges(t *testing.T) {
	w := newWatched(t)
	unlockMemory(t)
	var watchers []*watcher
	users := users()
	for _, p := range users { // one after the other: attaching takes memory
		started, err := startWatcher(t, as(p.capabilities), w.nets())
		if err != nil || started.attached.Error != "" {
			t.Fatalf("%s: %v %s", p.name, err, started.attached.Error)
		}
		watchers = append(watchers, started)
	}
	w.happen()
	table, err := figures.Find(docs.Accuracy, figures.Privileges)
	if err != nil {
		t.Fatal(err)
	}
	root := watchers[len(watchers)-1].attached.Signals
	for i, p := range users {
		has := w.has(watchers[i].end(t))
		hooksOf(watchers[i].attached.Signals, root, has)
		for what, yes := range has {
			f := figures.Privilege{What: what, With: p.name, Has: map[bool]string{true: "yes", false: "no"}[yes]}
			t.Log(f)
			if said := table.Cell(what, p.name); said != f.Has {
				t.Errorf("%s, %s: %s, docs/accuracy.md says %q (internal/kerneltest/accuracy writes it anew)", p.name, what, f.Has, said)
			}
		}
	}
}

// hooksOf adds which of the hooks that root can use the user can.
func hooksOf(signals, root event.Signals, has map[string]bool) {
	for i, s := range root {
		kind := hookKind(s)
		if kind != "" {
			has["hooks: "+kind] = hookKind(signals[i]) == kind
		}
	}
}

// hookKind is empty of what every kernel allows.
func hookKind(s event.Signal) string {
	kind, function, _ := strings.Cut(s.Hook, "/")
	switch {
	case function == "sys_exit":
		return "system call exit"
	case kind == "tp_btf", kind == "iter":
		return ""
	case kind == "kretprobe" && strictPerf():
		return "kretprobe, kernel.perf_event_paranoid over 2"
	}
	return kind
}

// strictPerf reports whether perf events are kept from users more than any kernel does of
// its own: Debian's goes to 3, and Ubuntu's to 4.
func strictPerf() bool {
	text, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	level, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && level > 2
}

// watched is what all watchers watch: the namespace that they are in and another one, and
// programs of root in both, some of which are older than they.
type watched struct {
	t              *testing.T
	client, server *lab.Netns
	listener       *lab.Proc
	own            uint32 // the namespace of this process
	opener         lab.Result
	binder         lab.Result
}

func newWatched(t *testing.T) *watched {
	w := &watched{t: t}
	w.client, w.server = pair(t)
	w.listener = w.serve(w.server, serverV4)
	w.serve(w.client, at(oddServer, 1081)) // a namespace is found by who is in it
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	w.own = uint32(st.Ino)
	return w
}

// serve serves until the test ends: attaching all watchers can take longer than a job may.
func (w *watched) serve(n *lab.Netns, at netip.AddrPort) *lab.Proc {
	p, err := n.Serve("older", lab.Server{Listen: []netip.AddrPort{at}, Mode: lab.Echo, For: watchLongest})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Stop)
	return p
}

func (w *watched) nets() []uint32 { return []uint32{w.own, w.client.Inode(), w.server.Inode()} }

// happen returns when the watchers have had the time to see it.
func (w *watched) happen() {
	time.Sleep(2 * time.Second) // they look for older listeners, beside
	if err := errors.Join(lateFIN(), w.client.Do(lateFIN)); err != nil {
		w.t.Fatal(err)
	}
	resets := &lab.Client{To: []netip.AddrPort{serverV4}, Count: 1, Talk: true, Socket: lab.Socket{Linger0: true}}
	w.opener = run(w.t, w.client, "opener", resets)
	w.binder = run(w.t, w.client, "binder", &lab.Binder{Socket: lab.Socket{Bind: netip.MustParseAddrPort("192.0.2.1:0")}})
	if w.opener.Succeeded != 1 || w.binder.BindErrors["EADDRNOTAVAIL"] != 1 {
		w.t.Fatalf("%+v %+v", w.opener, w.binder)
	}
	time.Sleep(1500 * time.Millisecond) // counts are read once a second
}

// lateFIN is a connection of this program to itself, of which one end closes a moment
// after the other: the bucket becomes a TIME_WAIT when nothing traces it any more.
func lateFIN() error {
	listener, err := socketAt(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	port, err := localPort(listener)
	if err := errors.Join(err, unix.Listen(listener, 1)); err != nil {
		return err
	}
	c, err := connectTo(at(oddServer, port), listener)
	if err != nil {
		return err
	}
	err = errors.Join(c.closeOut(), awaitPoll(c.in, unix.POLLRDHUP))
	time.Sleep(10 * time.Millisecond)
	return errors.Join(err, c.closeIn())
}

// has is what somebody who saw that can be said to have.
func (w *watched) has(s sight) map[string]bool {
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		w.t.Fatal(err)
	}
	_, ownCount := s.TimeWait[w.own]
	_, otherCount := s.TimeWait[w.client.Inode()]
	has := map[string]bool{
		"open, close: of all programs, with executable":        s.Exes[uint32(w.opener.PID)] == exe,
		"TIME_WAIT of a namespace: own":                        ownCount,
		"TIME_WAIT of a namespace: others":                     otherCount,
		"accepted_owner: the listener is older than porttrace": s.owner(w.server) == uint32(w.listener.PID()),
		"time_wait: the peer closes late, own namespace":       s.timeWait(w.own),
		"time_wait: the peer closes late, other namespaces":    s.timeWait(w.client.Inode()),
	}
	if reason, seen := s.bindReason(w.binder.PID); seen {
		has["bind_errno: a foreign address, other namespaces"] = reason == event.ForeignAddress
	}
	return has
}

// owner is whose the accepted connection was that was reset.
func (s sight) owner(server *lab.Netns) uint32 {
	for _, e := range s.Events {
		if e.Kind == event.Close && e.Netns == server.Inode() {
			return e.Proc.PID
		}
	}
	return 0
}

func (s sight) timeWait(netns uint32) bool {
	for _, e := range s.Events {
		if e.Kind == event.Close && e.Netns == netns && e.Proc.PID == uint32(os.Getpid()) && e.Flags.Has(event.TimeWait) {
			return true
		}
	}
	return false
}

// bindReason is why a bind failed, where that was inferred.
func (s sight) bindReason(pid int) (reason event.Reason, seen bool) {
	for _, e := range s.Events {
		if e.Kind == event.BindFail && e.Proc.PID == uint32(pid) && e.Inferred != 0 {
			return e.Reason, true
		}
	}
	return 0, false
}

// unlockMemory lifts the limit that maps count against on kernels before 5.11. What
// happens with it is TestLockedMemory's matter.
func unlockMemory(t *testing.T) {
	t.Helper()
	if kernelAtLeast(t, 5, 11) {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		t.Fatal(err)
	}
}
