package incidents

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// site is a pair of network namespaces with a load in it: programs that connect run in the
// client's, what they connect to in the server's. The first error of its methods stays, and
// makes the later ones return at once.
type site struct {
	name   string
	dir    string // of configurations and logs
	warden *warden

	client, server     *lab.Netns
	clientIP, serverIP netip.Addr

	signals map[string]event.Signal // how each is observed here, by name
	blocked uint16                  // the port that a service wants and does not get
	cgroup  *os.File                // of the client's programs; nil: that of the test

	phase    int // 1: as the load is; 2: after the advice was followed
	programs []*program
	jobs     []*lab.Proc
	pids     []int          // of all programs so far
	peak     int            // of TIME_WAIT in the client's namespace
	atEnd    []func() error // takes back what was set outside of the namespaces
	err      error
}

// newSite makes the namespaces of the load with this number; they end with the test.
func newSite(t *testing.T, number int, name string, w *warden, signals map[string]event.Signal) *site {
	t.Helper()
	s := &site{
		name: name, dir: filepath.Join(t.TempDir(), name), warden: w, phase: 1, signals: signals,
		clientIP: netip.AddrFrom4([4]byte{10, 88, byte(number), 1}),
		serverIP: netip.AddrFrom4([4]byte{10, 88, byte(number), 2}),
	}
	noError(t, os.Mkdir(s.dir, 0o755))
	var err error
	for _, n := range []**lab.Netns{&s.client, &s.server} {
		*n, err = lab.NewNetns()
		noError(t, err)
		t.Cleanup(func() { noErrorf(t, (*n).Close()) })
	}
	err = lab.Link(s.client, s.server,
		[]netip.Prefix{netip.PrefixFrom(s.clientIP, 24)}, []netip.Prefix{netip.PrefixFrom(s.serverIP, 24)})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skipf("this kernel has no veth: %v", err)
	}
	noError(t, err)
	t.Cleanup(func() {
		s.stop()
		for _, undo := range s.atEnd {
			noErrorf(t, undo())
		}
	})
	return s
}

// try keeps the first error.
func (s *site) try(what string, call func() error) {
	if s.err != nil {
		return
	}
	if err := call(); err != nil {
		s.err = fmt.Errorf("%s: %w", what, err)
	}
}

// program is a process in one of the namespaces, with the process group that it leads.
type program struct {
	name string
	cmd  *exec.Cmd
	log  string        // path of its output
	done chan struct{} // closed when it was waited for
}

// starting is a program with what it needs beyond its arguments.
type starting struct {
	in   *lab.Netns
	args []string // the first one is the program
	env  []string
	as   string // its name instead of that of args
}

// run starts a program in the client's namespace.
func (s *site) run(args ...string) *program {
	return s.start(starting{in: s.client, args: args})
}

// serve starts a program in the server's namespace.
func (s *site) serve(args ...string) *program {
	return s.start(starting{in: s.server, args: args})
}

// help starts a helper of this binary.
func (s *site) help(in *lab.Netns, role string, args ...string) *program {
	return s.start(starting{
		in: in, args: append([]string{"/proc/self/exe"}, args...), env: []string{helperEnv + "=" + role}, as: role,
	})
}

// backend starts an HTTP server on a port of the server, and waits until it listens.
func (s *site) backend(port int, flags ...string) *program {
	p := s.help(s.server, "backend", append(flags, s.at(port))...)
	s.await("the backend listens", func() bool { return p.logged("listening") > 0 })
	return p
}

// at returns a port of the server.
func (s *site) at(port int) string { return fmt.Sprintf("%s:%d", s.serverIP, port) }

func (s *site) start(what starting) *program {
	if what.as == "" {
		what.as = filepath.Base(what.args[0])
	}
	p := &program{name: what.as, done: make(chan struct{})}
	p.log = filepath.Join(s.dir, fmt.Sprintf("%d-%d-%s.log", s.phase, len(s.programs), p.name))
	s.try("starting "+p.name, func() error { return s.launch(p, what) })
	return p
}

func (s *site) launch(p *program, what starting) error {
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(what.args[0], what.args[1:]...)
	if what.as != "" && len(what.env) > 0 {
		p.cmd.Args[0] = what.as
	}
	p.cmd.Env = append(os.Environ(), what.env...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.dir, log, log
	if s.cgroup != nil && what.in == s.client {
		p.cmd.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: int(s.cgroup.Fd())}
	}
	if err := what.in.Start(p.cmd); err != nil {
		return err
	}
	s.programs, s.pids = append(s.programs, p), append(s.pids, p.cmd.Process.Pid)
	go func() {
		_ = p.cmd.Wait() // a program that was ended has a status of its own
		close(p.done)
	}()
	return s.warden.watch(p.cmd.Process.Pid)
}

// stop ends all programs and waits for them.
func (s *site) stop() {
	var stopping sync.WaitGroup
	for _, p := range s.programs {
		stopping.Go(func() { p.stop(s.warden) })
	}
	for _, p := range s.jobs {
		stopping.Go(p.Stop)
	}
	stopping.Wait()
	s.programs, s.jobs = nil, nil
}

const stopGrace = 3 * time.Second

func (p *program) stop(w *warden) {
	group := -p.cmd.Process.Pid
	_ = unix.Kill(group, unix.SIGTERM) // fails only if all of it has ended
	select {
	case <-p.done:
	case <-time.After(stopGrace):
	}
	_ = unix.Kill(group, unix.SIGKILL)
	<-p.done
	_ = w.forget(-group)
}

// running reports whether a program has not ended.
func (p *program) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// logged returns how many matches the output of a program has.
func (p *program) logged(pattern string) int {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return 0
	}
	return len(regexp.MustCompile(pattern).FindAllIndex(text, -1))
}

// lastLogged returns the number in the last match of a pattern with one group; -1 if there is none.
func (p *program) lastLogged(pattern string) int {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return -1
	}
	all := regexp.MustCompile(pattern).FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return -1
	}
	n, err := strconv.Atoi(string(all[len(all)-1][1]))
	if err != nil {
		return -1
	}
	return n
}

// logs returns the end of each log, for the message of a failure.
func (s *site) logs() string {
	files, _ := filepath.Glob(filepath.Join(s.dir, "*.log"))
	var b strings.Builder
	for _, file := range files {
		text, _ := os.ReadFile(file)
		fmt.Fprintf(&b, "%s: %s\n", filepath.Base(file), text[max(0, len(text)-300):])
	}
	return b.String()
}

// write makes a file for the programs and returns its path.
func (s *site) write(name, text string) string {
	path := filepath.Join(s.dir, name)
	s.try("writing "+name, func() error { return os.WriteFile(path, []byte(text), 0o644) })
	return path
}

// sysctl sets one of the client.
func (s *site) sysctl(name, value string) {
	s.try("sysctl", func() error { return s.client.Sysctl(name, value) })
}

// narrow leaves the client this many ports, from 40000 on.
func (s *site) narrow(ports int) {
	s.try("port range", func() error { return s.client.PortRange(40000, uint16(40000+ports-1)) })
}

// shell runs a line in a namespace, to its end.
func (s *site) shell(in *lab.Netns, line string) {
	s.try(line, func() error {
		var output strings.Builder
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &output, &output
		if err := in.Start(cmd); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%w: %s", err, output.String())
		}
		return nil
	})
}

// await waits for a condition, for 20 s at most.
func (s *site) await(what string, holds func() bool) {
	s.try(what, func() error {
		for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				return errors.New("waited in vain")
			}
		}
		return nil
	})
}

// timeWaits returns how many buckets the kernel counts in the client's namespace.
func (s *site) timeWaits() int { return timeWaits(s.client) }

func timeWaits(n *lab.Netns) int {
	stat, err := n.Sockstat()
	if err != nil {
		return -1
	}
	return stat.TimeWait
}

// counter returns one of the kernel's, "TcpExt.TCPTimeWaitOverflow".
func counter(n *lab.Netns, name string) int {
	all, err := n.Netstat()
	if err != nil {
		return -1
	}
	return int(all[name])
}

// inState returns how many sockets of a namespace are in a state.
func inState(n *lab.Netns, state lab.TCPState) int {
	sockets, err := n.TCPSockets()
	if err != nil {
		return -1
	}
	count := 0
	for _, s := range sockets {
		if s.State == state {
			count++
		}
	}
	return count
}

// noError ends the test at the first error.
func noError(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// noErrorf is for cleanups: the test goes on.
func noErrorf(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// listens reports whether a program listens on a port of the namespace.
func listens(n *lab.Netns, port uint16) bool {
	sockets, err := n.TCPSockets()
	if err != nil {
		return false
	}
	for _, s := range sockets {
		if s.State == lab.Listen && s.Local.Port() == port {
			return true
		}
	}
	return false
}
