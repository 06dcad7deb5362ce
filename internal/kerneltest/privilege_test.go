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

// all stands for the capabilities of root.
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

// users returns those that are tried. Where attaching takes seconds they are those among which
// the hooks differ.
func users() []privilege {
	if testing.Short() {
		return []privilege{privileges[0], privileges[1], privileges[4], privileges[6]}
	}
	return privileges
}

// TestPrivileges lets users with different capabilities watch the same load, and compares
// what each of them sees with the table in docs/accuracy.md.
func TestPrivileges(t *testing.T) {
	l := newPrivilegeLoad(t)
	unlockMemory(t)
	table, err := figures.Find(docs.Accuracy, figures.Privileges)
	noError(t, err)
	var watchers []*watcherProc
	users := users()
	for _, p := range users { // one after the other: attaching takes memory
		w, err := startWatcher(t, as(p.capabilities), watcher{Netns: l.nets()})
		if err != nil || w.attached.Error != "" {
			t.Fatalf("%s: %v %s", p.name, err, w.attached.Error)
		}
		watchers = append(watchers, w)
	}
	l.run(func() bool {
		for i, p := range users {
			if !l.isComplete(watchers[i], table, p.name) {
				return false
			}
		}
		return true
	})
	root := watchers[len(watchers)-1].attached.Signals
	for i, p := range users {
		has := l.has(watchers[i].end())
		hooksOf(watchers[i].attached.Signals, root, has)
		for what, yes := range has {
			f := figures.Privilege{What: what, With: p.name, Has: map[bool]string{true: "yes", false: "no"}[yes]}
			t.Log(f)
			if documented := table.Cell(what, p.name); documented != f.Has {
				t.Errorf("%s, %s: %s, docs/accuracy.md says %q (internal/kerneltest/accuracy rewrites it)", p.name, what, f.Has, documented)
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

// hookKind returns the kind of the signal's hook; "" for those that every user may use.
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

// strictPerf reports whether perf events are restricted more than the upstream kernel can:
// Debian's goes to 3, and Ubuntu's to 4.
func strictPerf() bool {
	text, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	level, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && level > 2
}

// privilegeLoad is what all watchers watch: the namespace that they are in and another one, and
// programs of root in both, some of which are older than they.
type privilegeLoad struct {
	t              *testing.T
	client, server *lab.Netns
	listener       *lab.Proc
	tests          uint32 // the namespace of this process
	opener         lab.Result
	binder         lab.Result
}

func newPrivilegeLoad(t *testing.T) *privilegeLoad {
	l := &privilegeLoad{t: t}
	l.client, l.server = pair(t)
	l.listener = l.serve(l.server, serverV4)
	l.serve(l.client, at(selfServers[0], 1081)) // a namespace is found by the processes in it
	var st unix.Stat_t
	noError(t, unix.Stat("/proc/self/ns/net", &st))
	l.tests = uint32(st.Ino)
	return l
}

// serve serves until the test ends: attaching all watchers can take longer than a job may.
func (l *privilegeLoad) serve(n *lab.Netns, at netip.AddrPort) *lab.Proc {
	p, err := n.Serve("older", lab.Server{Listen: []netip.AddrPort{at}, Mode: lab.Echo, For: helperLimit})
	noError(l.t, err)
	l.t.Cleanup(p.Stop)
	return p
}

func (l *privilegeLoad) nets() []uint32 {
	return []uint32{l.tests, l.client.Inode(), l.server.Inode()}
}

// run generates the load until the watchers have seen what they can, or waitLimit is over. It
// takes several rounds because they find older listeners in the background.
func (l *privilegeLoad) run(complete func() bool) {
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		l.generate()
		if waitFor(2*time.Second, complete) { // a watcher reports once a second
			return
		}
	}
}

func (l *privilegeLoad) generate() {
	noError(l.t, errors.Join(lateFIN(), l.client.Do(lateFIN)))
	resets := &lab.Client{To: []netip.AddrPort{serverV4}, Count: 1, Talk: true, Socket: lab.Socket{Linger0: true}}
	l.opener = run(l.t, l.client, "opener", resets)
	l.binder = run(l.t, l.client, "binder", &lab.Binder{Socket: lab.Socket{Bind: netip.MustParseAddrPort("192.0.2.1:0")}})
	if l.opener.Succeeded != 1 || l.binder.BindErrors["EADDRNOTAVAIL"] != 1 {
		l.t.Fatalf("%+v %+v", l.opener, l.binder)
	}
}

// isComplete reports whether a watcher has seen all that it can by the table.
func (l *privilegeLoad) isComplete(w *watcherProc, table *figures.Table, user string) bool {
	r := w.report()
	for what, yes := range l.has(r) {
		if !yes && table.Cell(what, user) == "yes" {
			return false
		}
	}
	return !w.seesBinds() || r.find(event.BindFail, l.client.Inode(), func(e *event.Event) bool { return e.Proc.PID == uint32(l.binder.PID) })
}

// lateFIN makes a connection of this program to itself, of which one end closes a moment
// after the other: the bucket becomes a TIME_WAIT when nothing traces it any more.
func lateFIN() error {
	listener, err := socketAt(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := unix.Listen(listener, 1); err != nil {
		return err
	}
	c, err := connectTo(lab.LocalAddr(listener), listener)
	if err != nil {
		return err
	}
	err = errors.Join(c.closeOut(), awaitPoll(c.in, unix.POLLRDHUP, waitLimit))
	time.Sleep(40 * time.Millisecond) // what is measured: the second FIN comes late, also for a slow emulated processor
	return errors.Join(err, c.closeIn())
}

// has returns which properties the report of a watcher has.
func (l *privilegeLoad) has(r watchReport) map[string]bool {
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	noError(l.t, err)
	_, ownCount := r.TimeWait[l.tests]
	_, otherCount := r.TimeWait[l.client.Inode()]
	isListener := func(e *event.Event) bool { return e.Proc.PID == uint32(l.listener.PID()) }
	isTimeWait := func(e *event.Event) bool { return e.Proc.PID == uint32(os.Getpid()) && e.Flags.Has(event.TimeWait) }
	has := map[string]bool{
		"open, close: of all programs, with executable":        r.Exes[uint32(l.opener.PID)] == exe,
		"TIME_WAIT of a namespace: own":                        ownCount,
		"TIME_WAIT of a namespace: others":                     otherCount,
		"accepted_owner: the listener is older than porttrace": r.find(event.Close, l.server.Inode(), isListener),
		"time_wait: the peer closes late, own namespace":       r.find(event.Close, l.tests, isTimeWait),
		"time_wait: the peer closes late, other namespaces":    r.find(event.Close, l.client.Inode(), isTimeWait),
	}
	if reason, inferred := r.bindReason(l.binder.PID); inferred {
		has["bind_errno: a foreign address, other namespaces"] = reason == event.ForeignAddress
	}
	return has
}

// bindReason returns why a bind failed, if that was inferred.
func (r *watchReport) bindReason(pid int) (reason event.Reason, inferred bool) {
	for _, e := range r.Events {
		if e.Kind == event.BindFail && e.Proc.PID == uint32(pid) && e.Inferred != 0 {
			return e.Reason, true
		}
	}
	return 0, false
}

// unlockMemory lifts the limit that maps count against on kernels before 5.11. TestLockedMemory
// tests with the limit.
func unlockMemory(t *testing.T) {
	t.Helper()
	if kernelAtLeast(t, 5, 11) {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		t.Fatal(err)
	}
}
