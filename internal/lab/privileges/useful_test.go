package privileges

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/flight"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/built"
	"github.com/porttrace/porttrace/internal/lab/terminal"
)

var listened = netip.MustParseAddrPort("127.0.0.1:1080")

// newNetns returns a namespace with a server.
func newNetns(t *testing.T) *lab.Netns {
	t.Helper()
	n, err := lab.NewNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	server, err := n.Serve("server", lab.Server{Listen: []netip.AddrPort{listened}, Mode: lab.Echo, For: 2 * time.Minute})
	noError(t, err)
	t.Cleanup(server.Stop)
	return n
}

func spawn(t *testing.T, n *lab.Netns, client *lab.Client) (pid int) {
	t.Helper()
	p, err := n.Spawn("client", client)
	noError(t, err)
	t.Cleanup(p.Stop)
	return p.PID()
}

// dial starts a program that connects to itself for a minute, in a namespace of its own.
func dial(t *testing.T) *os.Process {
	t.Helper()
	pid := spawn(t, newNetns(t), &lab.Client{To: []netip.AddrPort{listened}, Rate: 10, Talk: true, For: time.Minute})
	process, err := os.FindProcess(pid)
	noError(t, err)
	return process
}

// TestTracesWithoutRoot: an ordinary user with two capabilities sees who opens connections, in every
// namespace. No CAP_SYS_ADMIN is needed.
func TestTracesWithoutRoot(t *testing.T) {
	needHost(t)
	t.Parallel()
	p := start(t, as(unix.CAP_BPF, unix.CAP_PERFMON), binary, "events", "-v", "--json")
	n := newNetns(t)
	pid := spawn(t, n, &lab.Client{To: []netip.AddrPort{listened}, Rate: 10, Talk: true, For: time.Minute})
	if e := p.opens(t, pid); e.Exe == "" || e.Comm != "client" || e.UID == nil || *e.UID != 0 || e.Netns != n.Inode() {
		t.Errorf("%+v", e)
	}
	p.End(t)
}

// TestOlderProcesses: after the drop, the sockets, owners and executables from before the start are
// found, in namespaces that were made later, too.
func TestOlderProcesses(t *testing.T) {
	needHost(t)
	t.Parallel()
	for name, args := range map[string][]string{"root": nil, "another user": {"--user", itoa(person)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			older := newNetns(t)
			holder := spawn(t, older, &lab.Client{To: []netip.AddrPort{listened}, Count: 5, Hold: true, For: time.Minute})
			report := filepath.Join(t.TempDir(), "report.json")
			p := start(t, root, binary, append([]string{"report", "-v", "--json", "-d", "4s", "-o", report}, args...)...)
			younger := newNetns(t)
			later := spawn(t, younger, &lab.Client{To: []netip.AddrPort{listened}, Count: 7, Hold: true, For: time.Minute})
			<-p.Ended
			noError(t, p.Err)
			text, err := os.ReadFile(report)
			noError(t, err)
			r := parseReport(t, text)
			for pid, want := range map[int]uint64{holder: 5, later: 7} {
				if got := r.process(pid); got.Live != want || got.Exe == "" {
					t.Errorf("process %d: %+v, want %d live connections", pid, got, want)
				}
			}
			for _, n := range []*lab.Netns{older, younger} {
				if got := r.namespace(n.Inode()); got.RangeLow == 0 || got.LastScan == "" {
					t.Errorf("the settings of a namespace: %+v", got)
				}
			}
		})
	}
}

// TestLeastEntersNothing: without CAP_SYS_ADMIN the connections of other namespaces are traced all the same.
func TestLeastEntersNothing(t *testing.T) {
	needHost(t)
	t.Parallel()
	p := start(t, root, binary, "events", "-v", "--json", "--privileges", "least")
	if e := p.opens(t, dial(t).Pid); e.Exe == "" {
		t.Errorf("%+v", e)
	}
	p.End(t)
}

// TestRingWithoutRoot: a ring goes on with its next segments, deletes the oldest and keeps an incident
// after root was dropped. All that it makes is for its user alone.
func TestRingWithoutRoot(t *testing.T) {
	needHost(t)
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "ring")
	n := newNetns(t)
	noError(t, n.PortRange(40000, 40099))
	p := start(t, root, binary, "record", "-v", "--user", itoa(person), "--ring", "8s", "--on", "full", "--before", "1s", "--after", "1s", "-o", dir)
	segments := func() []string { names, _ := flight.Files(dir); return names } // not there yet
	built.Eventually(t, "the first segment", func() bool { return len(segments()) > 0 })
	first := segments()[0]
	spawn(t, n, &lab.Client{To: []netip.AddrPort{listened}, Rate: 200, Hold: true, For: time.Minute})
	built.Eventually(t, "the incident", func() bool {
		kept, _ := filepath.Glob(filepath.Join(dir, "incidents/*/*.ptrace"))
		return len(kept) > 0
	})
	built.Eventually(t, "the end of the first segment's time", func() bool { _, err := os.Stat(first); return err != nil })
	p.End(t)
	if strings.Contains(p.Stderr.String(), "cannot") {
		t.Error(p.Stderr.String())
	}
	files := 0
	noError(t, filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		files++
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != person || info.Mode().Perm() != want {
			t.Errorf("%s is user %d's, %v", name, stat.Uid, info.Mode())
		}
		return nil
	}))
	if files < 8 {
		t.Errorf("%d files", files)
	}
}

// TestRingOfRoot: the next segments of a directory that is another user's are made, too.
func TestRingOfRoot(t *testing.T) {
	needHost(t)
	t.Parallel()
	dir := t.TempDir()
	noError(t, os.Chown(dir, person, person))
	p := start(t, root, binary, "record", "-v", "--ring", "8s", "-o", dir)
	built.Eventually(t, "the second segment", func() bool { names, err := flight.Files(dir); return err == nil && len(names) > 1 })
	p.End(t)
	if strings.Contains(p.Stderr.String(), "cannot") {
		t.Error(p.Stderr.String())
	}
}

// TestRingOfAnother: a directory in which the user cannot make files is refused at the start.
func TestRingOfAnother(t *testing.T) {
	needHost(t)
	t.Parallel()
	dir := t.TempDir()
	text, err := run("record", "--user", itoa(person), "--ring", "8s", "-o", dir)
	if err == nil || !strings.Contains(text, "user 61234 cannot make files in "+dir) || !strings.Contains(text, "chown 61234 "+dir) {
		t.Errorf("%v: %s", err, text)
	}
	if names, _ := flight.Files(dir); len(names) > 0 {
		t.Errorf("it has made %v", names)
	}
}

// TestRecordingOfUser: a recording goes to a file of the user, in a directory that only root can write to.
func TestRecordingOfUser(t *testing.T) {
	needHost(t)
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.ptrace")
	text, err := run("record", "--user", itoa(person), "-d", "300ms", "-o", file)
	if err != nil {
		t.Fatal(err, text)
	}
	info, err := os.Stat(file)
	noError(t, err)
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != person || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("user %d's, %v, %d bytes", stat.Uid, info.Mode(), info.Size())
	}
}

// TestScreenRecords: the keys R and F make files after the drop, in a directory that is another user's.
func TestScreenRecords(t *testing.T) {
	needHost(t)
	t.Parallel()
	dir := t.TempDir()
	noError(t, os.Chown(dir, person, person))
	term, err := terminal.Start(terminal.Options{Args: []string{"sh", "-c", "cd " + dir + " && exec " + binary}, Width: 120, Height: 40})
	noError(t, err)
	t.Cleanup(func() { noError(t, term.Close()) })
	_, err = term.Await(built.Bound, "the screen", func(s *terminal.Screen) bool { return s.Alternate && s.Has("tracing") })
	noError(t, err)
	recordings := func() int { names, _ := filepath.Glob(dir + "/*.ptrace"); return len(names) }
	noError(t, term.Press("R"))
	built.Eventually(t, "the recording of R", func() bool { return recordings() == 1 })
	time.Sleep(time.Second) // the name of the next one has another second
	noError(t, term.Press("F"))
	built.Eventually(t, "the last minutes of F", func() bool { return recordings() == 2 })
	noError(t, term.Press("R"))
}
