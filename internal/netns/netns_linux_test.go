package netns

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// childEnv makes this binary the only process of a new namespace.
const childEnv = "PORTTRACE_NETNS_TEST_CHILD"

// childBuckets is how many connections the child leaves in TIME_WAIT.
const childBuckets = 3

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	if err := runChild(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// runChild gives the namespace addresses and TIME_WAIT buckets.
func runChild() error {
	for _, args := range []string{
		"link set lo up", "addr add 10.9.8.7/24 dev lo", "addr add fd77::1/64 dev lo nodad", "route add local 10.77.0.0/16 dev lo",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	server, err := net.Listen("tcp", "10.9.8.7:80")
	if err != nil {
		return err
	}
	for range childBuckets {
		client, err := net.Dial("tcp", "10.9.8.7:80")
		if err != nil {
			return err
		}
		peer, err := server.Accept()
		if err != nil {
			return err
		}
		client.Close()
		io.Copy(io.Discard, peer) // until the FIN
		peer.Close()
	}
	return nil
}

func needIP(t *testing.T) {
	t.Helper()
	need.Program(t, "ip")
}

// startChild starts a process in a namespace of its own and returns its inode.
// It needs either root or user namespaces, and ip(8).
func startChild(t *testing.T) (cmd *exec.Cmd, inode uint32) {
	t.Helper()
	needIP(t)
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		if os.Geteuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("it takes root, or user namespaces: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("child: %s", line)
	}
	inode, err = processNetns(uint32(cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return cmd, inode
}

func selfInode(t *testing.T) uint32 {
	t.Helper()
	inode, err := fileNetns("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return inode
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	n := New()
	if err := n.Discover(); err != nil {
		t.Fatal(err)
	}
	// The child comes after that, so Refresh must search again.
	child, inode := startChild(t)
	const missing = 7
	got := n.Refresh([]uint32{missing, inode})
	want := []event.Netns{{Inode: missing, TimeWait: -1}, {Inode: inode, TimeWait: childBuckets}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Refresh = %+v, want %+v", got, want)
	}
	if inodes := n.Inodes(); !slices.Contains(inodes, inode) || slices.Contains(inodes, missing) {
		t.Errorf("Inodes = %d, want %d in it and %d not", inodes, inode, missing)
	}

	before := n.discovered
	n.Refresh([]uint32{missing, inode})
	if n.discovered != before {
		t.Error("a missing namespace is searched for each time")
	}

	child.Process.Kill()
	child.Wait()
	got = n.Refresh([]uint32{inode})
	if want := []event.Netns{{Inode: inode, TimeWait: -1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("Refresh after its end = %+v, want %+v", got, want)
	}
	if n.discovered.Equal(before) {
		t.Error("no search for another process of the namespace")
	}
}

func TestLocalAddrs(t *testing.T) {
	t.Parallel()
	_, inode := startChild(t)
	local, err := New().LocalAddrs(inode)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.9.8.7": true, "127.9.9.9": true, "10.77.1.2": true, "::1": true, "fd77::1": true,
		"10.9.8.8": true, // a prefix on lo is local as a whole
		"10.9.9.8": false, "192.0.2.1": false, "fd77::2": false,
	} {
		if got := local(netip.MustParseAddr(addr)); got != want {
			t.Errorf("local(%s) = %v, want %v", addr, got, want)
		}
	}
	if _, err := New().LocalAddrs(7); err == nil {
		t.Error("addresses of a namespace that does not exist")
	}
}

func TestHostHasName(t *testing.T) {
	t.Parallel()
	self := selfInode(t)
	if self != hostNetns() {
		t.Skip("not in the host's network namespace")
	}
	got := New().Refresh([]uint32{self})
	if len(got) != 1 || got[0].Name != "host" || got[0].TimeWait < 0 {
		t.Errorf("Refresh = %+v, want a host with a count", got)
	}
}

// TestNamed covers a namespace that has a name and no process.
func TestNamed(t *testing.T) {
	t.Parallel()
	inode, _ := namedNetns(t, "pt-test-")
	name := "pt-test-" + strconv.Itoa(os.Getpid())
	n := New()
	got := n.Refresh([]uint32{inode})
	if want := []event.Netns{{Inode: inode, Name: name}}; !reflect.DeepEqual(got, want) {
		t.Errorf("Refresh = %+v, want %+v", got, want)
	}
	local, err := n.LocalAddrs(inode)
	if err != nil {
		t.Fatal(err)
	}
	// Its loopback is down, so even this address is not there.
	if local(netip.MustParseAddr("127.0.0.1")) {
		t.Error("127.0.0.1 is local while lo is down")
	}
}

// TestInodeOfAnother: a new namespace has the inode of one that had a name and is gone. It is
// found at once, and what is gone is searched for once.
func TestInodeOfAnother(t *testing.T) {
	t.Parallel()
	_, inode := startChild(t)
	const missing = 7
	stale := func(inode uint32) *namespace {
		return &namespace{inode: inode, name: "gone", path: "/run/netns/pt-test-gone"}
	}
	n := New()
	n.found[inode], n.found[missing], n.discovered = stale(inode), stale(missing), time.Now()
	got := n.Refresh([]uint32{missing, inode})
	if want := []event.Netns{{Inode: missing, TimeWait: -1}, {Inode: inode, TimeWait: childBuckets}}; !reflect.DeepEqual(got, want) {
		t.Errorf("Refresh = %+v, want %+v", got, want)
	}
	for i, want := range []bool{true, false} {
		before := n.discovered
		if n.Refresh([]uint32{missing}); (n.discovered != before) != want {
			t.Errorf("time %d after its end: searched: %v", i+1, !want)
		}
	}
	before := n.discovered
	n.Forget(missing)
	if n.Refresh([]uint32{missing}); n.discovered.Equal(before) {
		t.Error("not searched for after it was forgotten")
	}
	// Whoever reads it first notices.
	n.found[missing] = stale(missing)
	if _, err := n.LocalAddrs(missing); err == nil {
		t.Error("addresses of a namespace that is gone")
	}
	if _, err := n.Config(missing); err == nil {
		t.Error("settings of a namespace that is gone")
	}
	before = n.discovered
	if n.Refresh([]uint32{missing}); n.discovered.Equal(before) {
		t.Error("not searched for after a reading that failed")
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	self := selfInode(t)
	for arg, want := range map[string]uint32{
		"/proc/self/ns/net": self, "4026531840": 4026531840, "host": hostNetns(),
	} {
		if got, err := Resolve(arg); err != nil || got != want {
			t.Errorf("Resolve(%q) = %d, %v, want %d", arg, got, err, want)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"":                  "--netns : no such network namespace; give a name that 'ip netns' lists, a path or an inode",
		"no-such":           "--netns no-such: no such network namespace; give a name that 'ip netns' lists, a path or an inode",
		"0":                 "--netns 0: no such network namespace; give a name that 'ip netns' lists, a path or an inode",
		"/no/such":          "--netns /no/such: no such file or directory",
		"/proc/self/ns/pid": "--netns /proc/self/ns/pid: not a network namespace",
		plain:               "--netns " + plain + ": not a network namespace",
	} {
		if _, err := Resolve(arg); err == nil || err.Error() != want {
			t.Errorf("Resolve(%q): %v, want %s", arg, err, want)
		}
	}
}

func BenchmarkRefresh(b *testing.B) {
	n := New()
	known := []uint32{hostNetns()}
	for b.Loop() {
		n.Refresh(known)
	}
}

func BenchmarkScan(b *testing.B) {
	n := New()
	for b.Loop() {
		if err := n.Discover(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHasFunction: the kernel's own functions are found by its types as they are by its symbols.
func TestHasFunction(t *testing.T) {
	t.Parallel()
	if !hasFunction("inet_csk_get_port") {
		t.Error("the kernel has no inet_csk_get_port")
	}
	if hasFunction("inet_csk_get_por") || hasFunction("porttrace_is_no_function") {
		t.Error("the kernel has functions that do not exist")
	}
}
